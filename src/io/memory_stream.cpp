// SPDX-License-Identifier: BSL-1.0
//
// memory_stream: the public ends; each function passes on to the memory_link that both ends share. Any thread calls it.
#include <bide/io/memory_stream.hpp>

namespace bide {
inline namespace v0 {

std::pair<memory_stream, memory_stream> memory_stream::pair(std::size_t capacity) {
    auto link = std::make_shared<detail::memory_link>(capacity);
    return {memory_stream(link, 0), memory_stream(link, 1)};
}

memory_stream& memory_stream::operator=(memory_stream&& other) noexcept {
    if (this != &other) {
        close();
        link_ = std::move(other.link_);
        side_ = other.side_;
    }
    return *this;
}

const std::shared_ptr<detail::memory_link>& memory_stream::link() const {
    if (link_ == nullptr) [[unlikely]]
        throw usage_error("this memory_stream is empty: it was moved from or default-constructed");
    return link_;
}

namespace {
constexpr detail::wait_kind finish_kind{"memory_stream finish"};

template <int Side>
std::error_code finish_side(void* link) noexcept {
    return static_cast<detail::memory_link*>(link)->finish(Side);
}
}  // namespace

detail::immediate_op memory_stream::finish() {
    return {finish_kind, link().get(), side_ == 0 ? &finish_side<0> : &finish_side<1>};
}

void memory_stream::close() noexcept {
    if (link_ != nullptr) link_->close(side_);
}
bool memory_stream::is_open() const noexcept { return link_ != nullptr && !link_->closed(side_); }
void memory_stream::limit_reads(std::size_t bytes) { link()->limit_reads(side_, bytes); }
void memory_stream::limit_writes(std::size_t bytes) { link()->limit_writes(side_, bytes); }
void memory_stream::cut_after(std::size_t bytes) { link()->fault_after(side_, bytes, detail::memory_way::fault::cut); }
void memory_stream::reset_after(std::size_t bytes) {
    link()->fault_after(side_, bytes, detail::memory_way::fault::reset);
}
void memory_stream::reset() { link()->reset(); }

}  // namespace v0
}  // namespace bide
