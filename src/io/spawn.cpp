// SPDX-License-Identifier: BSL-1.0
// How a child is started: posix_spawn, with everything reset that a child should not have from its parent.
#include <bide/io/process.hpp>

#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>
#include <utility>

namespace bide {
inline namespace v0 {

using detail::last_error;

namespace {

[[noreturn]] void fail(int error, const std::string& what) {
    throw std::system_error(std::error_code(error, std::system_category()), what);
}
void check(int error, const char* what) {
    if (error != 0) fail(error, what);
}

class file_actions {
public:
    file_actions() { check(::posix_spawn_file_actions_init(&native), "posix_spawn_file_actions_init"); }
    file_actions(const file_actions&) = delete;
    file_actions& operator=(const file_actions&) = delete;
    ~file_actions() { ::posix_spawn_file_actions_destroy(&native); }
    posix_spawn_file_actions_t native{};
};
class attributes {
public:
    attributes() { check(::posix_spawnattr_init(&native), "posix_spawnattr_init"); }
    attributes(const attributes&) = delete;
    attributes& operator=(const attributes&) = delete;
    ~attributes() { ::posix_spawnattr_destroy(&native); }
    posix_spawnattr_t native{};
};

/// Above the standard streams: those are written one after another, and must not overwrite what is still needed.
owned_descriptor above_streams(owned_descriptor d) {
    if (d.get() > STDERR_FILENO) return d;
    owned_descriptor higher(::fcntl(d.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!higher) throw std::system_error(last_error(), "descriptor for a child process");
    return higher;
}

std::vector<std::string> environment_of(const process_options& o) {
    std::map<std::string, std::string> all;
    if (o.environment) {
        all = *o.environment;
    } else {
        for (char** e = environ; e != nullptr && *e != nullptr; ++e) {
            const std::string_view entry(*e);
            const std::size_t at = entry.find('=');
            if (at != std::string_view::npos) all.emplace(entry.substr(0, at), entry.substr(at + 1));
        }
    }
    for (const auto& [name, value] : o.changes) {
        if (value)
            all[name] = *value;
        else
            all.erase(name);
    }
    std::vector<std::string> lines;
    lines.reserve(all.size());
    for (const auto& [name, value] : all) (lines.emplace_back(name) += '=') += value;
    return lines;
}

std::vector<char*> pointers(std::vector<std::string>& to) {
    std::vector<char*> all;
    all.reserve(to.size() + 1);
    for (std::string& s : to) all.push_back(s.data());
    all.push_back(nullptr);
    return all;
}

void refuse_zero_bytes(const std::vector<std::string>& all) {
    for (const std::string& s : all)
        if (s.find('\0') != std::string::npos)
            throw std::invalid_argument("an argument or variable of a process has no zero byte");
}

}  // namespace

void process_options::capture() noexcept {
    if (input.kind_ == stdio::kind::inherit) input = stdio::pipe();
    if (output.kind_ == stdio::kind::inherit) output = stdio::pipe();
    if (error.kind_ == stdio::kind::inherit) error = stdio::pipe();
}

process process::spawn(std::string program, process_options options) {  // NOLINT(performance-unnecessary-value-param)
    process made;
    file_actions actions;
    owned_descriptor theirs[3];
    stdio* const streams[3] = {&options.input, &options.output, &options.error};
    for (int i = 0; i < 3; ++i) {
        switch (streams[i]->kind_) {
            case stdio::kind::inherit:
                continue;
            case stdio::kind::as_output:
                if (i != STDERR_FILENO) throw std::invalid_argument("only the error stream can be as the output");
                check(::posix_spawn_file_actions_adddup2(&actions.native, STDOUT_FILENO, i), "posix_spawn");
                continue;
            case stdio::kind::null:
                theirs[i] = owned_descriptor(::open("/dev/null", O_RDWR | O_CLOEXEC));
                if (!theirs[i]) throw std::system_error(last_error(), "/dev/null");
                break;
            case stdio::kind::descriptor:
                theirs[i] = std::move(streams[i]->descriptor_);
                break;
            case stdio::kind::pipe: {
                int ends[2] = {-1, -1};
                if (::pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(last_error(), "pipe");
                owned_descriptor out(ends[0]), in(ends[1]);
                theirs[i] = std::move(i == STDIN_FILENO ? out : in);
                if (i == STDIN_FILENO) made.input = pipe_writer::adopt(in.release());
                if (i == STDOUT_FILENO) made.output = pipe_reader::adopt(out.release());
                if (i == STDERR_FILENO) made.error = pipe_reader::adopt(out.release());
                break;
            }
        }
        theirs[i] = above_streams(std::move(theirs[i]));
        check(::posix_spawn_file_actions_adddup2(&actions.native, theirs[i].get(), i), "posix_spawn");
    }
    const std::string directory = options.directory.string();
    if (!directory.empty())
        check(::posix_spawn_file_actions_addchdir_np(&actions.native, directory.c_str()), "posix_spawn");
    check(::posix_spawn_file_actions_addclosefrom_np(&actions.native, STDERR_FILENO + 1), "posix_spawn");

    attributes how;
    sigset_t signals;
    sigemptyset(&signals);
    check(::posix_spawnattr_setsigmask(&how.native, &signals), "posix_spawn");
    sigfillset(&signals);
    check(::posix_spawnattr_setsigdefault(&how.native, &signals), "posix_spawn");
    short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    if (options.own_group) flags |= POSIX_SPAWN_SETPGROUP;  // 0: the child's own number
    check(::posix_spawnattr_setflags(&how.native, flags), "posix_spawn");

    std::vector<std::string> words = std::move(options.arguments);
    words.insert(words.begin(), program);
    std::vector<std::string> variables = environment_of(options);
    refuse_zero_bytes(words);
    refuse_zero_bytes(variables);
    const std::vector<char*> argv = pointers(words);
    const std::vector<char*> envp = pointers(variables);
    pid_t pid = 0;
    const int failed = ::posix_spawnp(&pid, program.c_str(), &actions.native, &how.native, argv.data(), envp.data());
    if (failed != 0) fail(failed, "run " + program + (directory.empty() ? "" : " in " + directory));

    // From here on the child is there: what fails must not leave it.
    struct unless_owned {
        pid_t pid;
        ~unless_owned() {
            if (pid == 0) return;
            ::kill(pid, SIGKILL);
            while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {}
        }
    } end_it{pid};
    const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));  // is closed on exec by itself
    if (pidfd < 0) throw std::system_error(last_error(), "pidfd_open");
    made.child_ = std::make_unique<detail::child_process>(pid, detail::own_descriptor(pidfd), options.own_group);
    end_it.pid = 0;
    return made;
}

}  // namespace v0
}  // namespace bide
