// SPDX-License-Identifier: BSL-1.0
//
// a_sync, idle_event_loop: a loop that is not running. In plain code it is the thread's own; where a loop runs already
// it is another one, until the guard ends. (wait() does this by itself: the guard is for code that wants the loop.)
#include <bide/bide.hpp>

#include <iostream>

bide::task<int> answer() {
    co_await bide::yield_now();
    co_return 42;
}

int work_on_an_idle_loop() {
    bide::idle_loop idle;
    auto result = idle->submit(answer);
    idle->run();
    return result.value();
}

bide::task<bool> inside_a_running_loop(bide::loop* outer) {
    co_await bide::yield_now();
    bide::idle_loop idle;  // the outer one runs: this is another one
    co_return &idle.get() != outer;
}

int main() {
    std::cout << work_on_an_idle_loop() << '\n';

    bide::idle_loop outer;
    {
        bide::idle_loop same;  // idle: left in place
        std::cout << std::boolalpha << (&same.get() == &outer.get()) << '\n';
    }
    auto another = outer->submit(inside_a_running_loop, &outer.get());
    outer->run();
    std::cout << another.value() << '\n';
}
