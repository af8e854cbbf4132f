// SPDX-License-Identifier: BSL-1.0
#include <bide/detail/base/two_way_list.hpp>

#include <gtest/gtest.h>

#include <string>

namespace {

struct node {
    explicit node(char c) : name(c) {}
    char name;
    node* before = nullptr;
    node* after = nullptr;
};
using list = bide::detail::two_way_list<node, &node::before, &node::after>;

// Forwards; each has to know the one before it.
std::string order(const list& l) {
    std::string found;
    const node* last = nullptr;
    for (const node* n = l.first(); n != nullptr; n = n->after) {
        EXPECT_EQ(n->before, last);
        found += n->name;
        last = n;
    }
    return found;
}

TEST(two_way_list, nodes_are_put_at_the_end_and_before_one_and_taken_out_anywhere) {
    node a('a');
    node b('b');
    node c('c');
    node d('d');
    list l;
    EXPECT_TRUE(l.empty());
    l.push_back(b);
    l.insert_before(a, &b);
    l.push_back(d);
    l.insert_before(c, &d);
    EXPECT_EQ(order(l), "abcd");
    l.remove(c);
    EXPECT_EQ(order(l), "abd");
    EXPECT_EQ(c.before, nullptr);
    EXPECT_EQ(c.after, nullptr);
    l.remove(a);
    EXPECT_EQ(order(l), "bd");
    l.remove(d);
    l.push_back(a);
    EXPECT_EQ(order(l), "ba");
    l.remove(b);
    l.remove(a);
    EXPECT_TRUE(l.empty());
    l.insert_before(d, l.first());
    l.push_back(c);
    EXPECT_EQ(order(l), "dc");
}

TEST(two_way_list, nodes_are_put_and_taken_at_the_front_and_moved_to_another_list) {
    node a('a');
    node b('b');
    node c('c');
    list l;
    EXPECT_EQ(l.pop_front(), nullptr);
    l.push_front(b);
    l.push_front(a);
    l.push_back(c);
    EXPECT_EQ(order(l), "abc");
    EXPECT_EQ(l.pop_front(), &a);
    EXPECT_EQ(order(l), "bc");
    list other;
    other.take_all(l);
    EXPECT_TRUE(l.empty());
    EXPECT_EQ(order(other), "bc");
    EXPECT_EQ(list::after(b), &c);
    EXPECT_EQ(other.pop_front(), &b);
    EXPECT_EQ(other.pop_front(), &c);
    EXPECT_TRUE(other.empty());
    other.push_back(a);
    EXPECT_EQ(order(other), "a");
}

}  // namespace
