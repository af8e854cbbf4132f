// SPDX-License-Identifier: BSL-1.0
//
// loop_thread: the phases of its life (fresh, running, stopping, stopped), over loop_service, which has the loop and
// the thread. Any thread calls its functions. The loop's own thread may ask for the stop, and may neither wait for the
// end nor destroy the loop_thread.
#include <bide/loop_thread.hpp>

#include "kernel/awaited_on.hpp"
#include "loop/loop_service.hpp"

#include <bide/detail/base/fail_fast.hpp>
#include <bide/detail/base/os_mutex.hpp>

#include <atomic>
#include <vector>

namespace bide {
inline namespace v0 {

namespace {
enum class phase : std::uint8_t { fresh, running, stopping, stopped };
}

struct loop_thread::core {
    detail::os_mutex m;
    std::atomic<phase> current{phase::fresh};  // written under the mutex, read without it
    std::vector<detail::owned_ptr<detail::start_function>> first_tasks BIDE_GUARDED_BY(m);
    detail::loop_service service;
    explicit core(std::string name) : service(std::move(name)) {}
    [[nodiscard]] bool awaits_caller() const noexcept {
        const loop* const l = service.get();
        return l != nullptr && detail::awaited_on(*l);
    }
};

loop_thread::loop_thread(std::string name) : core_(detail::make_owned<core>(std::move(name))) {}

loop_thread::~loop_thread() {
    if (core_->service.inherited()) {  // the child of a fork() has no such thread, and a lock may be held for ever
        static_cast<void>(core_.release());
        return;
    }
    if (core_->service.on_own_thread())
        detail::fail_fast(
            "a loop_thread was destroyed on its own thread, which cannot wait for its own end; destroy it where it was "
            "made, and call stop() on its own thread, which only asks");
    if (detail::job_base::running_for(core_->service))
        detail::fail_fast(
            "a loop_thread was destroyed in a job of its to_thread, which cannot wait for its own end; destroy it "
            "where "
            "it was made, and call stop() in the job, which only asks");
    if (core_->awaits_caller())
        detail::fail_fast(
            "a loop_thread was destroyed in code that one of its tasks waits for, and would wait for that task's end; "
            "destroy it where it was made, and call stop() in such code, which only asks");
    shutdown();
}

void loop_thread::start() {
    if (core_->service.inherited()) detail::loop_access::throw_inherited();
    const detail::lock_guard guard(core_->m);
    switch (core_->current.load(std::memory_order_relaxed)) {  // relaxed: written under the mutex
        case phase::fresh:
            break;
        case phase::running:
            throw usage_error("loop_thread::start: it was started before; once is enough");
        default:
            throw not_running("loop_thread::start: it has been stopped; make another one");
    }
    core_->service.begin();
    // release: a thread that reads `running` sees the loop.
    core_->current.store(phase::running, std::memory_order_release);
    for (auto& f : core_->first_tasks) f->start(*core_->service.get());
    core_->first_tasks.clear();
}

void loop_thread::stop(stop_reason why) {
    if (core_->service.inherited()) detail::loop_access::throw_inherited();
    {
        const detail::lock_guard guard(core_->m);
        switch (core_->current.load(std::memory_order_relaxed)) {
            case phase::fresh:
                core_->current.store(phase::stopped, std::memory_order_release);
                core_->first_tasks.clear();
                return;
            case phase::stopped:
                return;
            default:
                core_->current.store(phase::stopping, std::memory_order_release);
        }
    }
    core_->service.stop(why);  // without the mutex: the user's stop callbacks run here
}

void loop_thread::shutdown() {
    if (core_->service.inherited()) detail::loop_access::throw_inherited();
    if (core_->service.on_own_thread())
        throw would_deadlock(
            "loop_thread::shutdown on its own thread: it would wait for itself; call it where the loop_thread was "
            "made, "
            "and stop(), which only asks, in its tasks");
    if (detail::job_base::running_for(core_->service))
        throw would_deadlock(
            "loop_thread::shutdown in a job of its to_thread: it would wait for that job's end; stop() only asks");
    if (core_->awaits_caller())
        throw would_deadlock(
            "loop_thread::shutdown in code that a task of this loop_thread waits for: it would wait for that task's "
            "end; "
            "stop() only asks");
    stop();
    if (core_->current.load(std::memory_order_acquire) == phase::stopped) return;
    core_->service.join();
    const detail::lock_guard guard(core_->m);
    core_->current.store(phase::stopped, std::memory_order_release);
}

bool loop_thread::running() const noexcept { return core_->current.load(std::memory_order_acquire) == phase::running; }

loop& loop_thread::need_running() const {
    if (core_->service.inherited()) detail::loop_access::throw_inherited();
    switch (core_->current.load(std::memory_order_acquire)) {
        case phase::fresh:
            throw not_running("this loop_thread has not been started; call start() first");
        case phase::running:
            return *core_->service.get();
        default:
            throw not_running("this loop_thread has been stopped and takes no new work");
    }
}

detail::loop_service& loop_thread::need_service() const {
    static_cast<void>(need_running());
    return core_->service;
}

void loop_thread::add(detail::owned_ptr<detail::start_function> f) {
    const detail::lock_guard guard(core_->m);
    if (core_->current.load(std::memory_order_relaxed) == phase::fresh)
        core_->first_tasks.push_back(std::move(f));
    else
        f->start(need_running());
}

executor& loop_thread::get_executor() { return need_running(); }

}  // namespace v0
}  // namespace bide
