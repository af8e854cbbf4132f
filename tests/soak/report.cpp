// SPDX-License-Identifier: BSL-1.0
#include "report.hpp"

#include <array>
#include <cstddef>
#include <iomanip>
#include <map>
#include <sstream>

namespace soak {

namespace {

using row = std::array<std::uint64_t, links>;
using rows = std::map<std::string, row>;

void add(rows& to, const std::string& kind, const counts& of, std::size_t column) {
    for (const auto& [what, times] : of) to[kind + what][column] += times;
}

}  // namespace

std::string report(const std::string& side, const ledger& of) {
    constexpr int name_width = 58;
    constexpr int width = 12;
    std::array<rows, 4> parts;
    for (std::size_t i = 0; i < links; ++i) {
        const tally& t = of.of(static_cast<link>(i));
        parts[0]["of these out and back, whole: in"][i] = t.returned_in;
        parts[0]["of these out and back, whole: out"][i] = t.returned_out;
        parts[0]["connections, files"][i] = t.opened;
        parts[0]["bytes received"][i] = t.received;
        parts[0]["bytes sent"][i] = t.sent;
        add(parts[1], "as planned: ", t.as_planned, i);
        add(parts[2], "met: ", t.faults, i);
        add(parts[3], "NOT PLANNED: ", t.wrong, i);
    }
    std::ostringstream text;
    text << std::left << std::setw(name_width) << side << std::right;
    for (const auto name : link_names) text << std::setw(width) << name;
    text << '\n';
    for (const rows& part : parts)
        for (const auto& [what, times] : part) {
            text << "  " << std::left << std::setw(name_width - 2) << what << std::right;
            for (const std::uint64_t n : times) text << std::setw(width) << n;
            text << '\n';
        }
    return text.str();
}

std::uint64_t connections(const ledger& of) {
    std::uint64_t n = 0;
    for (const link which : {link::tcp, link::local, link::tls}) n += of.of(which).opened;
    return n;
}

std::uint64_t dropped(const ledger& of) {
    std::uint64_t n = 0;
    for (std::size_t i = 0; i < links; ++i)
        for (const auto& [what, times] : of.of(static_cast<link>(i)).wrong) n += times;
    return n;
}

void miss_what_never_came(ledger& clients) {
    for (const link which : {link::tcp, link::local, link::tls}) {
        tally& t = clients.of(which);
        for (std::size_t i = 0; i < plans; ++i) {
            const auto what = static_cast<plan>(i);
            const bool belongs = what != plan::no_handshake || which == link::tls;
            if (belongs && !t.as_planned.contains(std::string(name_of(what)))) t.bad(what, "never came");
        }
    }
}

}  // namespace soak
