// SPDX-License-Identifier: BSL-1.0
//
// The limit for whoever lets another thread do something and sleeps meanwhile: two threads, two futexes.
#include "rows.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <atomic>
#include <thread>

namespace {

class gate {
public:
    void open() {
        word_.store(1, std::memory_order_release);  // release: what was done before is seen by whoever passes
        syscall(SYS_futex, &word_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
    }
    void pass() {
        while (word_.exchange(0, std::memory_order_acquire) == 0)  // acquire: see open()
            syscall(SYS_futex, &word_, FUTEX_WAIT_PRIVATE, 0, nullptr, nullptr, 0);
    }

private:
    std::atomic<int> word_{0};
};

void future_wait(long n) {
    gate there;
    gate back;
    std::thread other([&] {
        for (long i = 0; i < n; ++i) {
            there.pass();
            back.open();
        }
    });
    for (long i = 0; i < n; ++i) {
        there.open();
        back.pass();
    }
    other.join();
}

constexpr rows::row all[] = {{"future_wait", &future_wait}, {"to_thread", &future_wait}};

}  // namespace

int main(int count, char** arguments) { return rows::main(all, count, arguments); }
