// SPDX-License-Identifier: BSL-1.0
//
// posix_spawn with a clean state for the child: environment, signal mask and actions, working directory, descriptors.
//
// Called by process::spawn on the thread that starts a child; it blocks until the child runs its program.
#include "io/spawn.hpp"

#include <bide/io/process.hpp>

#include <fcntl.h>
#include <unistd.h>
#include <csignal>
#include <map>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace bide {
inline namespace v0 {
namespace detail {

namespace {

[[noreturn]] void fail(int error, const std::string& what) {
    throw std::system_error(std::error_code(error, std::system_category()), what);
}
void check(int error, const char* what) {
    if (error != 0) fail(error, what);
}

class attributes {
public:
    attributes() { check(::posix_spawnattr_init(&native), "posix_spawnattr_init"); }
    attributes(const attributes&) = delete;
    attributes& operator=(const attributes&) = delete;
    ~attributes() { ::posix_spawnattr_destroy(&native); }
    posix_spawnattr_t native{};
};

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

file_actions::file_actions() { check(::posix_spawn_file_actions_init(&native_), "posix_spawn_file_actions_init"); }
file_actions::~file_actions() { ::posix_spawn_file_actions_destroy(&native_); }
void file_actions::duplicate(int from, int to) {
    check(::posix_spawn_file_actions_adddup2(&native_, from, to), "posix_spawn");
}

owned_descriptor above_streams(owned_descriptor d) {
    if (d.get() > STDERR_FILENO) return d;
    owned_descriptor higher(::fcntl(d.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!higher) throw std::system_error(last_error(), "descriptor for a child process");
    return higher;
}

pid_t run_program(const std::string& program, process_options& options, file_actions& actions) {
    const std::string directory = options.directory.string();
    if (!directory.empty())
        check(::posix_spawn_file_actions_addchdir_np(actions.get(), directory.c_str()), "posix_spawn");
    check(::posix_spawn_file_actions_addclosefrom_np(actions.get(), STDERR_FILENO + 1), "posix_spawn");

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
    const int failed = ::posix_spawnp(&pid, program.c_str(), actions.get(), &how.native, argv.data(), envp.data());
    if (failed != 0) fail(failed, "run " + program + (directory.empty() ? "" : " in " + directory));
    return pid;
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
