// SPDX-License-Identifier: BSL-1.0
//
// Computing on several cores, bide's pool beside oneTBB: each row is one whole computation, in real time.
#include <bide/bide.hpp>
#include <bide/pool.hpp>

#include <benchmark/benchmark.h>
#include <tbb/global_control.h>
#include <tbb/parallel_invoke.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>

#include <array>
#include <cstddef>
#include <vector>

namespace {

/// The peer with as many threads as the pool has workers.
template <class F>
void in_tbb(int workers, F f) {
    const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(workers));
    tbb::task_arena arena(workers);
    arena.execute(f);
}

// ---- fork_fib: nothing but forks

constexpr int fib_of = 37;

bide::task<long> fib(int n) {
    if (n < 2) co_return n;
    auto [a, b] = co_await bide::when_all(fib(n - 1), fib(n - 2));
    co_return a + b;
}
long tbb_fib(int n) {
    if (n < 2) return n;
    long a = 0;
    long b = 0;
    tbb::task_group g;
    g.run([&] { a = tbb_fib(n - 1); });
    b = tbb_fib(n - 2);
    g.wait();
    return a + b;
}
void fib_bide(benchmark::State& state, int workers) {
    bide::pool p(workers);
    for (auto _ : state) benchmark::DoNotOptimize(p.run(fib, fib_of).wait());
}
void fib_tbb(benchmark::State& state, int workers) {
    in_tbb(workers, [&] {
        for (auto _ : state) benchmark::DoNotOptimize(tbb_fib(fib_of));
    });
}
BENCHMARK_CAPTURE(fib_bide, 1, 1)->Name("fork_fib_1/bide")->UseRealTime();
BENCHMARK_CAPTURE(fib_tbb, 1, 1)->Name("fork_fib_1/tbb")->UseRealTime();
BENCHMARK_CAPTURE(fib_bide, 2, 2)->Name("fork_fib_2/bide")->UseRealTime();
BENCHMARK_CAPTURE(fib_tbb, 2, 2)->Name("fork_fib_2/tbb")->UseRealTime();

// ---- nqueens: a fork per place that is free, so their number differs

constexpr int queens = 14;
using board = std::array<signed char, 16>;  // whole words: g++ copies 14 bytes by pieces that overlap, which stalls

// Not inlined: both sides run the same code for the work itself. (In line, g++ gives a coroutine's copy of it worse code.)
[[gnu::noinline]] bool is_free(const board& b, int row, int column) {
    for (int r = 0; r < row; ++r) {
        const int c = b[static_cast<std::size_t>(r)];
        if (c == column || c - column == row - r || column - c == row - r) return false;
    }
    return true;
}
board with(board b, int row, int column) {
    b[static_cast<std::size_t>(row)] = static_cast<signed char>(column);
    return b;
}
bide::task<long> place(board b, int row) {
    if (row == queens) co_return 1;
    std::vector<bide::task<long>> children;
    children.reserve(queens);
    for (int c = 0; c < queens; ++c)
        if (is_free(b, row, c)) children.push_back(place(with(b, row, c), row + 1));
    long sum = 0;
    for (const long n : co_await bide::when_all(std::move(children))) sum += n;
    co_return sum;
}
long tbb_place(const board& b, int row) {
    if (row == queens) return 1;
    std::array<long, queens> results{};
    tbb::task_group g;
    for (int c = 0; c < queens; ++c)
        if (is_free(b, row, c)) {
            long& to = results[static_cast<std::size_t>(c)];
            g.run([&to, next = with(b, row, c), row] { to = tbb_place(next, row + 1); });
        }
    g.wait();
    long sum = 0;
    for (const long n : results) sum += n;
    return sum;
}
void nqueens_bide(benchmark::State& state) {
    bide::pool p(2);
    for (auto _ : state) benchmark::DoNotOptimize(p.run(place, board(), 0).wait());
}
void nqueens_tbb(benchmark::State& state) {
    in_tbb(2, [&] {
        for (auto _ : state) benchmark::DoNotOptimize(tbb_place(board(), 0));
    });
}
BENCHMARK(nqueens_bide)->Name("nqueens/bide")->UseRealTime();
BENCHMARK(nqueens_tbb)->Name("nqueens/tbb")->UseRealTime();

// ---- skynet: a tree of ten children each, a hundred million leaves

constexpr long skynet_leaves = 100'000'000;

bide::task<long> skynet(long first, long leaves) {
    if (leaves == 1) co_return first;
    const long l = leaves / 10;
    const auto at = [first, l](long i) { return skynet(first + i * l, l); };
    auto [a, b, c, d, e, f, g, h, i, j] =
        co_await bide::when_all(at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7), at(8), at(9));
    co_return a + b + c + d + e + f + g + h + i + j;
}
long tbb_skynet(long first, long leaves) {
    if (leaves == 1) return first;
    const long l = leaves / 10;
    std::array<long, 10> results{};
    tbb::task_group g;
    for (long i = 0; i < 10; ++i) {
        long& to = results[static_cast<std::size_t>(i)];
        g.run([&to, begin = first + i * l, l] { to = tbb_skynet(begin, l); });
    }
    g.wait();
    long sum = 0;
    for (const long n : results) sum += n;
    return sum;
}
void skynet_bide(benchmark::State& state) {
    bide::pool p(2);
    for (auto _ : state) benchmark::DoNotOptimize(p.run(skynet, 0L, skynet_leaves).wait());
}
void skynet_tbb(benchmark::State& state) {
    in_tbb(2, [&] {
        for (auto _ : state) benchmark::DoNotOptimize(tbb_skynet(0, skynet_leaves));
    });
}
BENCHMARK(skynet_bide)->Name("skynet/bide")->UseRealTime();
BENCHMARK(skynet_tbb)->Name("skynet/tbb")->UseRealTime();

// ---- matmul: halves of the longest side, down to blocks that fit into the cache

constexpr int matrix = 1024;
constexpr int block = 32;

struct matrices {
    std::vector<float> a, b, c;
    matrices() : a(matrix * matrix, 1.5F), b(matrix * matrix, 0.5F), c(matrix * matrix) {}
};
// Not inlined: the same code on both sides, as above.
[[gnu::noinline]] void multiply_block(const float* a, const float* b, float* c, int m, int n, int k) {
    for (int i = 0; i < m; ++i)
        for (int l = 0; l < k; ++l) {
            const float x = a[i * matrix + l];
            for (int j = 0; j < n; ++j) c[i * matrix + j] += x * b[l * matrix + j];
        }
}
bide::task<> multiply(const float* a, const float* b, float* c, int m, int n, int k) {
    if (m + n + k <= 3 * block) {
        multiply_block(a, b, c, m, n, k);
    } else if (m >= n && m >= k) {
        const int h = m / 2;
        co_await bide::when_all(multiply(a, b, c, h, n, k), multiply(a + h * matrix, b, c + h * matrix, m - h, n, k));
    } else if (n >= k) {
        const int h = n / 2;
        co_await bide::when_all(multiply(a, b, c, m, h, k), multiply(a, b + h, c + h, m, n - h, k));
    } else {  // into the same places: one after the other
        const int h = k / 2;
        co_await multiply(a, b, c, m, n, h);
        co_await multiply(a + h, b + h * matrix, c, m, n, k - h);
    }
}
void tbb_multiply(const float* a, const float* b, float* c, int m, int n, int k) {
    if (m + n + k <= 3 * block) {
        multiply_block(a, b, c, m, n, k);
    } else if (m >= n && m >= k) {
        const int h = m / 2;
        tbb::parallel_invoke([=] { tbb_multiply(a, b, c, h, n, k); },
                             [=] { tbb_multiply(a + h * matrix, b, c + h * matrix, m - h, n, k); });
    } else if (n >= k) {
        const int h = n / 2;
        tbb::parallel_invoke([=] { tbb_multiply(a, b, c, m, h, k); },
                             [=] { tbb_multiply(a, b + h, c + h, m, n - h, k); });
    } else {
        const int h = k / 2;
        tbb_multiply(a, b, c, m, n, h);
        tbb_multiply(a + h, b + h * matrix, c, m, n, k - h);
    }
}
void matmul_bide(benchmark::State& state) {
    bide::pool p(2);
    matrices x;
    for (auto _ : state) p.run(multiply, x.a.data(), x.b.data(), x.c.data(), matrix, matrix, matrix).wait();
}
void matmul_tbb(benchmark::State& state) {
    matrices x;
    in_tbb(2, [&] {
        for (auto _ : state) tbb_multiply(x.a.data(), x.b.data(), x.c.data(), matrix, matrix, matrix);
    });
}
BENCHMARK(matmul_bide)->Name("matmul/bide")->UseRealTime();
BENCHMARK(matmul_tbb)->Name("matmul/tbb")->UseRealTime();

}  // namespace
