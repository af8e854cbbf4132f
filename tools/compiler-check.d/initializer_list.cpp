// SPDX-License-Identifier: BSL-1.0
// class: an initializer_list in an expression with co_await
// remedy: make the container in a statement of its own
// each: of_awaits of_awaited_objects vector_argument vector_of_strings_argument map_argument named_vector_temporary
#include "check.hpp"

#include <map>
#include <string>
#include <vector>

[[maybe_unused]] static task<int> take_vector(std::vector<tracked> v) {
    co_await park();
    for (const tracked& t : v) t.use();
    co_return static_cast<int>(v.size());
}
[[maybe_unused]] static task<int> take_strings(std::vector<std::string> v) {
    co_await park();
    co_return static_cast<int>(v.size());
}
[[maybe_unused]] static task<int> take_map(std::map<int, tracked> m) {
    co_await park();
    for (const auto& [key, t] : m) t.use();
    co_return static_cast<int>(m.size());
}
#ifdef EACH_of_awaits
CASE(of_awaits) {
    std::vector<int> v{co_await number(1), co_await number(2)};
    expect(v.size() == 2 && v[1] == 2);
}
#endif
#ifdef EACH_of_awaited_objects
CASE(of_awaited_objects) {
    std::vector<tracked> v{co_await make_tracked(), co_await make_tracked()};
    for (const tracked& t : v) t.use();
}
#endif
#ifdef EACH_vector_argument
CASE(vector_argument) { expect(co_await take_vector({tracked(), tracked()}) == 2); }
#endif
#ifdef EACH_vector_of_strings_argument
CASE(vector_of_strings_argument) { expect(co_await take_strings({std::string(50, 'x'), "y"}) == 2); }
#endif
#ifdef EACH_map_argument
CASE(map_argument) { expect(co_await take_map({{1, tracked()}, {2, tracked()}}) == 2); }
#endif
#ifdef EACH_named_vector_temporary
CASE(named_vector_temporary) { expect(co_await take_vector(std::vector<tracked>{tracked(), tracked()}) == 2); }
#endif
