// SPDX-License-Identifier: BSL-1.0
//
// The list of all executors of the process, for the debug view and for the search for deadlocks. Constructors and
// destructors of executors enter and leave it, on any thread; a visitor reads it under the list's mutex, so that no
// executor of it can be destroyed meanwhile.
#include <bide/detail/base/os_mutex.hpp>
#include <bide/detail/kernel/live_access.hpp>

#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

namespace {
struct all_executors {
    os_mutex m;
    executor* first BIDE_GUARDED_BY(m) = nullptr;
};
// Never destroyed: executors that are static objects may be destroyed after everything else.
all_executors& all() {
    static auto* list = new all_executors;
    return *list;
}
}  // namespace

void live_access::enter(executor& ex) noexcept {
    all_executors& list = all();
    const lock_guard guard(list.m);
    ex.next_ = list.first;
    if (ex.next_ != nullptr) ex.next_->prev_ = &ex;
    list.first = &ex;
    ex.listed_ = true;
}

void live_access::leave(executor& ex) noexcept {
    all_executors& list = all();
    const lock_guard guard(list.m);
    if (!std::exchange(ex.listed_, false)) return;
    if (ex.prev_ != nullptr)
        ex.prev_->next_ = ex.next_;
    else
        list.first = ex.next_;
    if (ex.next_ != nullptr) ex.next_->prev_ = ex.prev_;
}

void live_access::visit(void (*f)(executor* first, void* with), void* with) {
    all_executors& list = all();
    const lock_guard guard(list.m);
    f(list.first, with);
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
