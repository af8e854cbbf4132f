// SPDX-License-Identifier: BSL-1.0
#include <bide/detail/base/fifo.hpp>

#include <gtest/gtest.h>

#include <string>

namespace {

struct node {
    explicit node(char c) : name(c) {}
    char name;
    node* next = nullptr;
};
using fifo = bide::detail::fifo<node, &node::next>;
using lifo = bide::detail::lifo<node, &node::next>;

template <class List>
std::string order(const List& l) {
    std::string found;
    for (const node* n = l.first(); n != nullptr; n = List::after(*n)) found += n->name;
    return found;
}

TEST(fifo, gives_its_nodes_in_the_order_in_which_they_came) {
    node a('a');
    node b('b');
    node c('c');
    fifo l;
    EXPECT_TRUE(l.empty());
    EXPECT_EQ(l.pop(), nullptr);
    l.push_back(a);
    l.push_back(b);
    EXPECT_EQ(l.last(), &b);
    EXPECT_EQ(l.pop(), &a);
    l.push_back(c);
    l.push_back(a);  // a node that has left comes back, with an old link in it
    EXPECT_EQ(order(l), "bca");
    EXPECT_EQ(&l.pop_front(), &b);
    EXPECT_EQ(l.pop(), &c);
    EXPECT_EQ(l.pop(), &a);
    EXPECT_TRUE(l.empty());
    EXPECT_EQ(l.last(), nullptr);
    l.push_back(c);
    EXPECT_EQ(order(l), "c");
}

TEST(lifo, gives_the_node_that_came_last_and_lets_any_node_go) {
    node a('a');
    node b('b');
    node c('c');
    lifo l;
    EXPECT_TRUE(l.empty());
    EXPECT_EQ(l.pop(), nullptr);
    l.push(a);
    l.push(b);
    l.push(c);
    EXPECT_EQ(order(l), "cba");
    l.remove(b);
    EXPECT_EQ(order(l), "ca");
    l.remove(b);  // in no list: nothing happens
    EXPECT_EQ(order(l), "ca");
    l.remove(a);
    l.push(b);
    EXPECT_EQ(l.pop(), &b);
    l.remove(c);
    EXPECT_TRUE(l.empty());
}

}  // namespace
