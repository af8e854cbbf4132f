// SPDX-License-Identifier: BSL-1.0
//
// fast-async, set_max_threads: of nine blocking jobs three run at once. The jobs prove it themselves: each waits until
// three of them stand at the barrier, which would never end if fewer could run, and they count how many run.
#include <bide/bide.hpp>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <functional>
#include <iostream>
#include <vector>

struct counters {
    std::barrier<> three{3};
    std::atomic<int> running{0};
    std::atomic<int> most{0};
};

void job(counters& c) {
    const int now = ++c.running;
    for (int most = c.most; now > most && !c.most.compare_exchange_weak(most, now);) {}
    c.three.arrive_and_wait();
    --c.running;
    c.three.arrive_and_wait();
}

int main() {
    bide::set_max_threads(3);

    counters c;
    std::vector<bide::future<>> jobs;
    for (int i = 0; i < 9; ++i) jobs.push_back(bide::to_thread(job, std::ref(c)));
    for (const auto& done : jobs) done.wait();

    std::cout << jobs.size() << " jobs, at most " << c.most << " at once\n";
}
