// SPDX-License-Identifier: BSL-1.0
//
// fifo and lifo: the intrusive lists with one link in each node. A fifo gives its nodes in the order in which they came;
// a lifo is one word, and gives the node that came last.
//
//     struct request {
//         request* next = nullptr;
//     };
//     fifo<request, &request::next> waiting;
//     waiting.push_back(r);
//     while (request* oldest = waiting.pop()) serve(*oldest);
//
// The type names the link, so that a node may be in several lists. The link is written by push_back() and push(), and
// stays as it is when the node leaves. Nodes that are taken out of the middle are in a list with two links
// (two_way_list.hpp).
//
// Thread rule: the owner of the list brings the lock, if one is needed. Lifetime rule: a node outlives its stay; pop()
// has read the link before it returns, so the caller may destroy the node or put it into another list. Destructor:
// touches no node. Errors: none.
//
// What is no such list, because its layout is the point: inbox and remote_list (one atomic word that pushers and the
// owner exchange), the free lists of frames (frame.cpp: a sentinel instead of a counter and a test), fork_deque, and
// the timer heap.
#pragma once

namespace bide {
inline namespace v0 {
namespace detail {

template <class Node, auto Next>
class fifo {
public:
    fifo() noexcept = default;
    fifo(const fifo&) = delete;
    fifo& operator=(const fifo&) = delete;

    [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
    [[nodiscard]] Node* first() const noexcept { return first_; }
    [[nodiscard]] Node* last() const noexcept { return last_; }
    [[nodiscard]] static Node* after(const Node& n) noexcept { return n.*Next; }

    void push_back(Node& n) noexcept {
        n.*Next = nullptr;
        if (last_ != nullptr)
            last_->*Next = &n;
        else
            first_ = &n;
        last_ = &n;
    }
    /// Takes the oldest node out. Returns null if there is none.
    [[nodiscard]] Node* pop() noexcept { return first_ != nullptr ? &pop_front() : nullptr; }
    /// The same for a list that is not empty.
    Node& pop_front() noexcept {
        Node& n = *first_;
        first_ = n.*Next;
        if (first_ == nullptr) last_ = nullptr;
        return n;
    }

private:
    Node* first_ = nullptr;
    Node* last_ = nullptr;
};

template <class Node, auto Next>
class lifo {
public:
    lifo() noexcept = default;
    lifo(const lifo&) = delete;
    lifo& operator=(const lifo&) = delete;

    [[nodiscard]] bool empty() const noexcept { return top_ == nullptr; }
    [[nodiscard]] Node* first() const noexcept { return top_; }
    [[nodiscard]] static Node* after(const Node& n) noexcept { return n.*Next; }

    void push(Node& n) noexcept {
        n.*Next = top_;
        top_ = &n;
    }
    /// Takes the node out that came last. Returns null if there is none.
    [[nodiscard]] Node* pop() noexcept {
        Node* const n = top_;
        if (n != nullptr) top_ = n->*Next;
        return n;
    }
    /// Takes a node out of the middle; the list is searched for it.
    void remove(const Node& n) noexcept {
        for (Node** at = &top_; *at != nullptr; at = &((*at)->*Next))
            if (*at == &n) {
                *at = n.*Next;
                return;
            }
    }

private:
    Node* top_ = nullptr;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
