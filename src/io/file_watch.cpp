// SPDX-License-Identifier: BSL-1.0
//
// file_watch by inotify: the list of watched paths, the parser of the kernel's events, and the leaf that waits for one.
//
// add() and remove() run on any thread. take() runs where the waiting task tries, or on the thread of the loop that
// watches the descriptor; one task at a time waits, and owns the buffer.
#include <bide/detail/base/os_mutex.hpp>
#include <bide/io/file_watch.hpp>

#include <sys/inotify.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <map>
#include <optional>

namespace bide {
inline namespace v0 {
namespace detail {

namespace {

constexpr wait_kind watch_kind{"change of a file"};
constexpr std::uint32_t wanted = IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM | IN_MODIFY | IN_CLOSE_WRITE |
                                 IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF;

std::optional<file_change> change_of(std::uint32_t mask) noexcept {
    if ((mask & (IN_CREATE | IN_MOVED_TO)) != 0) return file_change::appeared;
    if ((mask & (IN_DELETE | IN_MOVED_FROM | IN_DELETE_SELF | IN_MOVE_SELF)) != 0) return file_change::disappeared;
    if ((mask & IN_CLOSE_WRITE) != 0) return file_change::written;
    if ((mask & IN_MODIFY) != 0) return file_change::modified;
    if ((mask & IN_ATTRIB) != 0) return file_change::attributes;
    return {};
}

}  // namespace

class watch_list {
public:
    watch_list()
        : inotify_([] {
              const int fd = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
              if (fd < 0) throw std::system_error(last_error(), "inotify");
              return own_descriptor(fd);
          }()) {}

    watch_list(const watch_list&) = delete;
    watch_list& operator=(const watch_list&) = delete;
    ~watch_list() {
        descriptor().close();
        descriptor().wait_for_tries();  // a try uses the members
    }

    [[nodiscard]] socket_state& descriptor() const noexcept { return *inotify_.get(); }

    void add(const std::filesystem::path& path) BIDE_EXCLUDES(m_) {
        const lock_guard hold(m_);
        int number = -1;
        descriptor().use([&](int fd) {
            number = ::inotify_add_watch(fd, path.c_str(), wanted);
            if (number < 0) throw std::system_error(last_error(), path.string());
        });
        paths_[number] = path;
    }
    void remove(const std::filesystem::path& path) BIDE_EXCLUDES(m_) {
        const lock_guard hold(m_);
        for (const auto& [number, p] : paths_) {
            if (p != path) continue;
            descriptor().use([n = number](int fd) { ::inotify_rm_watch(fd, n); });
            return;  // meaning() erases the path at the watch's last event (IN_IGNORED)
        }
    }
    /// Returns the next event, or nothing if the system has none now.
    std::optional<file_event> take(int fd, std::error_code& error) BIDE_EXCLUDES(m_) {
        for (;;) {
            while (at_ < size_) {
                inotify_event e{};
                std::memcpy(&e, buffer_.data() + at_, sizeof e);
                const char* const name = buffer_.data() + at_ + sizeof e;
                at_ += sizeof e + e.len;
                if (std::optional<file_event> event = meaning(e, name)) return event;
            }
            const ssize_t n = ::read(fd, buffer_.data(), buffer_.size());
            if (n <= 0) {
                if (n < 0 && errno == EINTR) continue;
                if (n < 0 && !would_block()) error = last_error();
                return {};
            }
            at_ = 0;
            size_ = static_cast<std::size_t>(n);
        }
    }

private:
    std::optional<file_event> meaning(const inotify_event& e, const char* name) BIDE_EXCLUDES(m_) {
        file_event event;
        if ((e.mask & IN_Q_OVERFLOW) != 0) {
            event.overflow = true;
            return event;
        }
        const lock_guard hold(m_);
        const auto found = paths_.find(e.wd);
        if (found == paths_.end()) return {};
        if ((e.mask & IN_IGNORED) != 0) {
            paths_.erase(found);
            return {};
        }
        const std::optional<file_change> what = change_of(e.mask);
        if (!what) return {};
        event.path = e.len != 0 ? found->second / name : found->second;
        event.what = *what;
        event.is_directory = (e.mask & IN_ISDIR) != 0;
        return event;
    }

    const socket_owner inotify_;
    os_mutex m_;
    std::map<int, std::filesystem::path> paths_ BIDE_GUARDED_BY(m_);
    // The waiting task owns the following:
    std::array<char, 16384> buffer_;
    std::size_t at_ = 0;
    std::size_t size_ = 0;
};

watch_leaf::watch_leaf(promise_base& p, watch_list& w) noexcept
    : socket_op(p, watch_kind, &w.descriptor(), direction::in, &watch_leaf::take), list_(w) {}

attempt watch_leaf::take(socket_op& op, int fd) noexcept {
    auto& self = static_cast<watch_leaf&>(op);
    try {
        std::optional<file_event> event = self.list_.take(fd, self.error_);
        if (!event && !self.error_) return attempt::blocked;
        if (event) self.event_ = std::move(*event);
    } catch (const std::bad_alloc&) {  // no memory for the path: the event is lost, and the waiting task gets an error
        self.error_ = std::make_error_code(std::errc::not_enough_memory);
    }
    return attempt::done;
}

file_event watch_leaf::await_resume() {
    end();
    if (error_) [[unlikely]]
        throw std::system_error(error_, kind->what);
    return std::move(event_);
}

}  // namespace detail

file_watch::file_watch() : list_(std::make_unique<detail::watch_list>()) {}
file_watch::file_watch(file_watch&&) noexcept = default;
file_watch& file_watch::operator=(file_watch&&) noexcept = default;
file_watch::~file_watch() = default;

detail::watch_list& file_watch::checked() const {
    if (list_ == nullptr) [[unlikely]]
        throw usage_error("this file_watch is empty: it was moved from");
    return *list_;
}
void file_watch::add(const std::filesystem::path& path) { checked().add(path); }
void file_watch::remove(const std::filesystem::path& path) { checked().remove(path); }
detail::watch_op file_watch::next() { return detail::watch_op(checked()); }

}  // namespace v0
}  // namespace bide
