// SPDX-License-Identifier: BSL-1.0
#include <bide/detail/base/os_mutex.hpp>
#include <bide/detail/kernel/live_access.hpp>

#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

namespace {
struct all_executors {
    os_mutex m;
    executor* first = nullptr;
};
// Never destroyed: executors of static objects may end after everything else.
all_executors& all() {
    static auto* list = new all_executors;
    return *list;
}
}  // namespace

void live_access::enter(executor& ex) noexcept {
    const lock_guard guard(all().m);
    ex.next_ = all().first;
    if (ex.next_ != nullptr) ex.next_->prev_ = &ex;
    all().first = &ex;
    ex.listed_ = true;
}

void live_access::leave(executor& ex) noexcept {
    const lock_guard guard(all().m);
    if (!std::exchange(ex.listed_, false)) return;
    if (ex.prev_ != nullptr)
        ex.prev_->next_ = ex.next_;
    else
        all().first = ex.next_;
    if (ex.next_ != nullptr) ex.next_->prev_ = ex.prev_;
}

void live_access::visit(void (*f)(executor* first, void* with), void* with) {
    const lock_guard guard(all().m);
    f(all().first, with);
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
