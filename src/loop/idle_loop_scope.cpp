// SPDX-License-Identifier: BSL-1.0
//
// The slow half of idle_loop_scope: it makes a loop for a wait in plain code, or takes one from the thread's cache, and
// returns the loop there. It runs on the waiting thread, which alone runs these loops. The usual case, one cached loop,
// is in the header.
#include "kernel/this_thread.hpp"

#include <bide/detail/loop/idle_loop_scope.hpp>
#include <bide/detail/loop/loop_access.hpp>
#include <bide/loop.hpp>

#include <memory>
#include <utility>
#include <vector>

namespace bide {
inline namespace v0 {
namespace detail {

namespace {

constinit thread_local bool thread_ending = false;  // the thread is ending: a later wait makes a loop and destroys it

// The loops that this thread keeps for waits in plain code, besides thread_state::cached_loop. They end with the
// thread.
struct cached_loops {
    std::vector<std::unique_ptr<loop>> spare;
    cached_loops() { this_thread.caches_loops = true; }
    cached_loops(const cached_loops&) = delete;
    cached_loops& operator=(const cached_loops&) = delete;
    ~cached_loops() {
        thread_ending = true;
        this_thread.caches_loops = false;
        this_thread.idle_loop = nullptr;
        delete std::exchange(this_thread.cached_loop, nullptr);
    }
};
cached_loops& kept() {
    thread_local cached_loops here;
    return here;
}

}  // namespace

// Called when the cached loop cannot be used: another clock is in force, the parent of a fork() made the loop, or an
// outer wait uses it.
void idle_loop_scope::make() {
    loop_ = nullptr;
    if (!thread_ending) {
        auto& spare = kept().spare;
        delete std::exchange(this_thread.cached_loop, nullptr);
        while (!spare.empty() && !loop_access::usable(*spare.back())) spare.pop_back();
        if (!spare.empty()) {
            loop_ = spare.back().release();
            spare.pop_back();
            return;
        }
    }
    loop_ = std::make_unique<loop>().release();
    loop_access::bind_to_this_thread(*loop_);
}

void idle_loop_scope::return_to_cache() noexcept {
    std::unique_ptr<loop> done(loop_);
    try {
        if (!thread_ending && loop_access::reusable(*loop_)) kept().spare.push_back(std::move(done));
    } catch (...) {  // no memory: the loop is destroyed
    }
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
