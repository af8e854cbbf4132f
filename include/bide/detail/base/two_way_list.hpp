// SPDX-License-Identifier: BSL-1.0
//
// two_way_list: an intrusive list of nodes, by two links in each node; any node can be taken out. The type names the
// links, so a node may be in several lists. The owner of the list brings the lock, if one is needed.
#pragma once

namespace bide {
inline namespace v0 {
namespace detail {

template <class Node, Node* Node::* Before, Node* Node::* After>
class two_way_list {
public:
    two_way_list() noexcept = default;
    two_way_list(const two_way_list&) = delete;
    two_way_list& operator=(const two_way_list&) = delete;

    [[nodiscard]] Node* first() const noexcept { return first_; }
    [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }

    void push_back(Node& n) noexcept { insert_before(n, nullptr); }
    /// Inserts n before x; at the end if x is null.
    void insert_before(Node& n, Node* x) noexcept {
        Node*& link_back = x != nullptr ? x->*Before : last_;
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
        n.*Before = n.*After = nullptr;
    }

private:
    Node* first_ = nullptr;
    Node* last_ = nullptr;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
