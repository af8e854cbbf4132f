// SPDX-License-Identifier: BSL-1.0
//
// two_way_list: the intrusive list with two links in each node, from which any node can be taken out.
//
//     struct job {
//         job* before = nullptr;
//         job* after = nullptr;
//     };
//     two_way_list<job, &job::before, &job::after> queued;
//     queued.push_back(j);
//     queued.remove(j);                               // wherever it stands
//     for (job* at = queued.first(); at != nullptr; at = queued.after(*at)) look(*at);
//
// The type names the links, so that a node may be in several lists. The list writes both links of a node that enters
// and both of a node that leaves by remove(); pop_front() leaves them as they are. A list in whose middle nothing is
// taken out is a fifo or lifo (fifo.hpp), with one link a node.
//
// `Var` is the plain type in the library; in tests/model it is one whose every access the model checker watches.
//
// Thread rule: the owner of the list brings the lock, if one is needed. Lifetime rule: a node outlives its stay.
// Destructor: touches no node. Errors: none.
//
// What is no such list: the tree of stop_states (circular_link: a callback leaves a list without knowing which of two it
// is in), the live list of an executor (executor.hpp knows a task_node by its name only), the tree of the wait graph,
// the timer heap and wheel.
#pragma once

namespace bide {
inline namespace v0 {
namespace detail {

template <class T>
using plain = T;

template <class Node, auto Before, auto After, template <class> class Var = plain>
class two_way_list {
public:
    two_way_list() noexcept : first_(nullptr), last_(nullptr) {}
    two_way_list(const two_way_list&) = delete;
    two_way_list& operator=(const two_way_list&) = delete;

    [[nodiscard]] Node* first() const noexcept { return first_; }
    [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
    [[nodiscard]] static Node* after(const Node& n) noexcept { return n.*After; }

    void push_back(Node& n) noexcept {
        Node* const last = last_;
        n.*Before = last;
        n.*After = nullptr;
        if (last != nullptr)
            last->*After = &n;
        else
            first_ = &n;
        last_ = &n;
    }
    void push_front(Node& n) noexcept {
        Node* const first = first_;
        n.*Before = nullptr;
        n.*After = first;
        first_ = &n;
        if (first != nullptr)
            first->*Before = &n;
        else
            last_ = &n;
    }
    /// Inserts n before x; at the end if x is null.
    void insert_before(Node& n, Node* x) noexcept {
        auto& link_back = x != nullptr ? x->*Before : last_;
        Node* const before = link_back;
        n.*Before = before;
        n.*After = x;
        (before != nullptr ? before->*After : first_) = &n;
        link_back = &n;
    }
    void remove(Node& n) noexcept {
        Node* const before = n.*Before;
        Node* const after = n.*After;
        (before != nullptr ? before->*After : first_) = after;
        (after != nullptr ? after->*Before : last_) = before;
        n.*Before = nullptr;
        n.*After = nullptr;
    }
    /// Takes the first node out. Returns null if there is none.
    [[nodiscard]] Node* pop_front() noexcept {
        Node* const n = first_;
        if (n == nullptr) return nullptr;
        Node* const second = n->*After;
        first_ = second;
        if (second != nullptr)
            second->*Before = nullptr;
        else
            last_ = nullptr;
        return n;
    }
    /// Moves all nodes of another list into this one, which is empty.
    void take_all(two_way_list& from) noexcept {
        first_ = from.first_;
        last_ = from.last_;
        from.first_ = nullptr;
        from.last_ = nullptr;
    }

private:
    Var<Node*> first_;
    Var<Node*> last_;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
