// SPDX-License-Identifier: BSL-1.0
//
// RFC 2782's order of services: sorted by priority, drawn by weight. Called by a look-up's task, at its end.
#include "io/dns/srv_order.hpp"

#include <algorithm>

namespace bide {
inline namespace v0 {
namespace detail {

void order_services(std::vector<srv_record>& all, const std::function<std::uint64_t(std::uint64_t)>& up_to) {
    // Services without weight come first, so that they are drawn with a small probability (RFC 2782).
    std::sort(all.begin(), all.end(), [](const srv_record& a, const srv_record& b) {
        if (a.priority != b.priority) return a.priority < b.priority;
        return a.weight == 0 && b.weight != 0;
    });
    for (auto first = all.begin(); first != all.end(); ++first) {
        const auto last =
            std::find_if(first, all.end(), [&](const srv_record& r) { return r.priority != first->priority; });
        std::uint64_t sum = 0;
        for (auto it = first; it != last; ++it) sum += it->weight;
        const std::uint64_t drawn = up_to(sum);
        std::uint64_t so_far = 0;
        auto chosen = first;
        while ((so_far += chosen->weight) < drawn) ++chosen;
        std::rotate(first, chosen, chosen + 1);
    }
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
