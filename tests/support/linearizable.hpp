// SPDX-License-Identifier: BSL-1.0
//
// Is a history of overlapping operations explained by a sequential model? (Wing and Gong, 1993: try every order that
// keeps what came strictly before before.) For small histories: a dozen operations.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace bide_test {

/// When operations began and ended, for all threads.
class history_clock {
public:
    // seq_cst: the order of these is the order of real time that the history claims.
    std::uint64_t tick() noexcept { return now_.fetch_add(1); }

private:
    std::atomic<std::uint64_t> now_{0};
};

struct operation {
    std::string what;  // "send", "receive", …
    long argument = 0;
    long result = 0;
    std::uint64_t began = 0;
    std::uint64_t ended = 0;
};

/// Model: copyable; `bool apply(const operation&)` does it and says whether the result is the model's.
template <class Model>
bool linearizable(const std::vector<operation>& history, const Model& initial) {
    struct search {
        const std::vector<operation>& history;
        bool explains(std::uint64_t done, const Model& now) const {
            std::uint64_t first_end = std::numeric_limits<std::uint64_t>::max();
            bool left = false;
            for (std::size_t i = 0; i < history.size(); ++i)
                if ((done >> i & 1U) == 0) {
                    left = true;
                    first_end = std::min(first_end, history[i].ended);
                }
            if (!left) return true;
            for (std::size_t i = 0; i < history.size(); ++i) {
                if ((done >> i & 1U) != 0 || history[i].began > first_end) continue;
                Model next = now;
                if (next.apply(history[i]) && explains(done | std::uint64_t{1} << i, next)) return true;
            }
            return false;
        }
    };
    return search{history}.explains(0, initial);
}

inline std::string to_text(std::vector<operation> history) {
    std::sort(history.begin(), history.end(), [](const auto& a, const auto& b) { return a.began < b.began; });
    std::string text;
    for (const auto& o : history)
        text += "  [" + std::to_string(o.began) + ", " + std::to_string(o.ended) + "] " + o.what + "(" +
                std::to_string(o.argument) + ") = " + std::to_string(o.result) + "\n";
    return text;
}

}  // namespace bide_test
