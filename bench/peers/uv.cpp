// SPDX-License-Identifier: BSL-1.0
//
// The rows that libuv has, by callbacks: it has no tasks to await and nothing to lock.
#include "rows.hpp"

#include <uv.h>

#include <vector>

namespace {

void to_thread(long n) {
    struct state {
        uv_loop_t loop;
        uv_work_t work;
        long left;
    } s;
    uv_loop_init(&s.loop);
    s.left = n;
    s.work.data = &s;
    static const auto compute = [](uv_work_t*) {};
    static uv_after_work_cb done = [](uv_work_t* w, int) {
        auto* self = static_cast<state*>(w->data);
        if (--self->left > 0) uv_queue_work(&self->loop, &self->work, compute, done);
    };
    uv_queue_work(&s.loop, &s.work, compute, done);
    uv_run(&s.loop, UV_RUN_DEFAULT);
    uv_loop_close(&s.loop);
}

void timer_cancel(long n) {
    uv_loop_t loop;
    uv_loop_init(&loop);
    uv_timer_t timer;
    uv_timer_init(&loop, &timer);
    for (long i = 0; i < n; ++i) {
        uv_timer_start(&timer, [](uv_timer_t*) {}, 3'600'000, 0);
        uv_timer_stop(&timer);
    }
    uv_close(reinterpret_cast<uv_handle_t*>(&timer), nullptr);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
}

void sleepers(long n) {
    const double before = rows::resident_bytes();
    const double used = rows::cpu_ns();
    uv_loop_t loop;
    uv_loop_init(&loop);
    std::vector<uv_timer_t*> timers;
    for (long i = 0; i < n; ++i) {
        auto* t = new uv_timer_t;
        uv_timer_init(&loop, t);
        const auto ms = static_cast<std::uint64_t>(1000 + 9000 * i / n);
        const auto fired = [](uv_timer_t* self) {
            uv_close(reinterpret_cast<uv_handle_t*>(self),
                     [](uv_handle_t* h) { delete reinterpret_cast<uv_timer_t*>(h); });
        };
        uv_timer_start(t, fired, ms, 0);
    }
    const double bytes = rows::resident_bytes() - before;
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    std::printf("%.1f %.1f\n", bytes / static_cast<double>(n), (rows::cpu_ns() - used) / static_cast<double>(n));
}

constexpr rows::row all[] = {{"to_thread", &to_thread}, {"timer_cancel", &timer_cancel}, {"sleepers", &sleepers, true}};

}  // namespace

int main(int count, char** arguments) { return rows::main(all, count, arguments); }
