// SPDX-License-Identifier: BSL-1.0
//
// What the cases share. Each file is one class of code, each CASE one spelling of it, written as a user would write it.
// No bide in it: the least task that can be, so that a wrong verdict is the compiler's and nobody else's.
//
// How a fault is seen: a `tracked` notes its address when it is born, and a pointer to itself. A second destructor for
// one birth, a birth where somebody lives, a use of a place where nobody lives, and a copy made bit by bit (its pointer
// to itself points elsewhere) are all counted, and so is who is left over at the end. Nothing is allocated by it, so
// that a wrong program goes on to its end. Each case runs in a process of its own: one that crashes takes no other with
// it.
#pragma once

#include <sys/wait.h>
#include <unistd.h>
#include <coroutine>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <optional>
#include <utility>

// ---- counted objects ------------------------------------------------------------------------------------------------

inline int faults = 0;

/// A case that finds something wrong with its own result.
inline void expect(bool right) {
    if (!right) ++faults;
}

class tracked {
public:
    tracked() { born(); }
    explicit tracked(int) { born(); }
    tracked(const tracked& other) {
        other.use();
        born();
    }
    tracked(tracked&& other) noexcept {
        other.use();
        born();
    }
    tracked& operator=(const tracked& other) noexcept {
        other.use();
        use();
        return *this;
    }
    ~tracked() {
        const tracked** place = find(this);
        if (place == nullptr)
            ++faults;
        else
            *place = nullptr;
    }
    /// Whoever uses an object has to find it alive, and at home.
    void use() const noexcept {
        if (find(this) == nullptr || self_ != this) ++faults;
    }
    static int left_over() {
        int n = 0;
        for (const tracked* t : living) n += t != nullptr ? 1 : 0;
        return n;
    }

private:
    static constexpr std::size_t most = 256;
    static inline const tracked* living[most] = {};
    static const tracked** find(const tracked* t) {
        for (const tracked*& place : living)
            if (place == t) return &place;
        return nullptr;
    }
    void born() noexcept {
        self_ = this;
        if (find(this) != nullptr) ++faults;
        const tracked** place = find(nullptr);
        if (place == nullptr) std::abort();
        *place = this;
    }
    const tracked* self_;
};

// ---- the least task -------------------------------------------------------------------------------------------------

template <class T = void>
class task;

struct promise_common {
    std::coroutine_handle<> caller;
    std::exception_ptr error;

    std::suspend_always initial_suspend() noexcept { return {}; }
    struct to_caller {
        bool await_ready() noexcept { return false; }
        template <class P>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<P> h) noexcept {
            const std::coroutine_handle<> c = h.promise().caller;
            return c ? c : std::noop_coroutine();
        }
        void await_resume() noexcept {}
    };
    to_caller final_suspend() noexcept { return {}; }
    void unhandled_exception() noexcept { error = std::current_exception(); }
};
template <class T>
struct promise_of : promise_common {
    std::optional<T> value;
    task<T> get_return_object();
    template <class U>
    void return_value(U&& u) {
        value.emplace(std::forward<U>(u));
    }
    T result() { return std::move(*value); }
};
template <>
struct promise_of<void> : promise_common {
    task<void> get_return_object();
    void return_void() {}
    void result() {}
};

template <class T>
class task {
public:
    using promise_type = promise_of<T>;
    using handle = std::coroutine_handle<promise_type>;
    explicit task(handle h) : h_(h) {}
    task(task&& other) noexcept : h_(std::exchange(other.h_, {})) {}
    task& operator=(task&&) = delete;
    ~task() {
        if (h_) h_.destroy();
    }
    class awaiter {
    public:
        explicit awaiter(handle h) : h_(h) {}
        bool await_ready() noexcept { return false; }
        std::coroutine_handle<> await_suspend(std::coroutine_handle<> caller) noexcept {
            h_.promise().caller = caller;
            return h_;
        }
        T await_resume() {
            if (h_.promise().error) std::rethrow_exception(h_.promise().error);
            return h_.promise().result();
        }

    private:
        handle h_;
    };
    awaiter operator co_await() && { return awaiter(h_); }
    handle get() const { return h_; }

private:
    handle h_;
};
template <class T>
task<T> promise_of<T>::get_return_object() {
    return task<T>(std::coroutine_handle<promise_of>::from_promise(*this));
}
inline task<void> promise_of<void>::get_return_object() {
    return task<void>(std::coroutine_handle<promise_of>::from_promise(*this));
}

/// The place where everything waits; the runner resumes it.
inline std::coroutine_handle<> parked;
struct park {
    park() {}
    bool await_ready() noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) noexcept { parked = h; }
    void await_resume() noexcept {}
};

/// Resumes until the end; `at_most` >= 0: destroys what is left after so many resumptions.
template <class T>
void drive(task<T> t, int at_most = -1) {
    const bool to_its_end = at_most < 0;
    t.get().resume();
    while (parked && at_most-- != 0) std::exchange(parked, {}).resume();
    parked = {};
    if (to_its_end && !t.get().done()) ++faults;  // something below it was lost on the way
    if (t.get().promise().error) std::rethrow_exception(t.get().promise().error);
}

// ---- what many cases call -------------------------------------------------------------------------------------------

struct aggregate {  // no constructor of its own, a member that has one
    tracked a;
    int n = 1;
};
template <class F>
task<int> call(F f) {
    co_await park();
    co_return f();
}
template <class F>
task<int> call_by_reference(F&& f) {
    co_await park();
    co_return f();
}
template <class F>
task<int> call_coroutine(F f) {
    co_return co_await f();
}
inline task<int> number(int n) { co_return n; }
inline task<tracked> make_tracked() {
    co_await park();
    co_return tracked();
}
inline task<int> take(tracked t) {
    co_await park();
    t.use();
    co_return 1;
}
inline task<int> take_reference(const tracked& t) {
    co_await park();
    t.use();
    co_return 1;
}
inline task<int> take_aggregate(aggregate a) {
    co_await park();
    a.a.use();
    co_return a.n;
}
inline task<int> take_aggregate_reference(const aggregate& a) {
    co_await park();
    a.a.use();
    co_return a.n;
}

// ---- the cases of a file --------------------------------------------------------------------------------------------

struct entry {
    const char* name;
    void (*run)();
    entry* next = nullptr;
    static inline entry* first = nullptr;
    static inline entry** last = &first;
    entry(const char* n, void (*f)()) : name(n), run(f) {
        *last = this;
        last = &next;
    }
};

/// A coroutine that is run to its end.
#define CASE(name)                                                 \
    static task<> name();                                          \
    static const entry entry_##name(#name, [] { drive(name()); }); \
    static task<> name()

/// A plain function.
#define PLAIN_CASE(name)                          \
    static void name();                           \
    static const entry entry_##name(#name, name); \
    static void name()

/// One line per case: its name, and "ok" or "MISCOMPILED".
int main() {
    for (const entry* e = entry::first; e != nullptr; e = e->next) {
        std::fflush(stdout);
        const pid_t child = ::fork();
        if (child < 0) {
            std::perror("fork");
            return 2;
        }
        if (child == 0) {
            ::alarm(20);
            try {
                e->run();
            } catch (...) {
                ++faults;
            }
            ::_exit(faults == 0 && tracked::left_over() == 0 ? 0 : 1);
        }
        int status = 0;
        if (::waitpid(child, &status, 0) != child) return 2;
        std::printf("%s %s\n", e->name, WIFEXITED(status) && WEXITSTATUS(status) == 0 ? "ok" : "MISCOMPILED");
    }
}
