// SPDX-License-Identifier: BSL-1.0
//
// What io_driver.hpp promises: who chooses the driver of a loop, in which order, and what a refusal is. That a loop
// falls back to epoll where the kernel forbids io_uring is in tests/io/ring_test.cpp, with I/O.
#include <bide/detail/loop/loop_access.hpp>
#include <bide/error.hpp>
#include <bide/io_driver.hpp>
#include <bide/loop.hpp>
#include <bide/testing/virtual_time.hpp>

#include "support/watchdog.hpp"

#include <dirent.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <system_error>

namespace {

using bide::io_driver;
using bide::loop_options;

bide::detail::driver& driver_of(bide::loop& l) { return bide::detail::loop_access::driver_of(l); }

/// Returns true if the kernel gives this process an io_uring.
bool kernel_has_io_uring() {
    try {
        const bide::loop l(loop_options{io_driver::io_uring});
        return true;
    } catch (const std::system_error&) {
        return false;
    }
}

int open_descriptors() {
    DIR* const folder = ::opendir("/proc/self/fd");
    int n = 0;
    while (::readdir(folder) != nullptr) ++n;  // NOLINT(concurrency-mt-unsafe): a DIR of its own
    ::closedir(folder);
    return n;
}

class io_driver_choice : public testing::Test {
protected:
    /// BIDE_DRIVER is read once per process: runs the present test in a new process with this value, and returns true
    /// there; in the parent returns false after the test has passed or failed there.
    static bool in_process_with(const char* value) {
        constexpr const char* mark = "BIDE_TEST_DRIVER_IS_SET";
        // NOLINTBEGIN(concurrency-mt-unsafe): no other thread is here
        if (const char* const set = std::getenv(mark)) return std::string(set) == value;
        const pid_t child = ::fork();
        if (child == 0) {
            ::setenv("BIDE_DRIVER", value, 1);
            ::setenv(mark, value, 1);
            // NOLINTEND(concurrency-mt-unsafe)
            const testing::TestInfo& self = *testing::UnitTest::GetInstance()->current_test_info();
            const std::string filter = std::string("--gtest_filter=") + self.test_suite_name() + "." + self.name();
            ::alarm(60);
            ::execl("/proc/self/exe", "again", filter.c_str(), nullptr);
            ::_exit(3);
        }
        int status = 0;
        EXPECT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "BIDE_DRIVER=" << value << ": status " << status;
        return false;
    }

    support::watchdog guard_;
};

TEST_F(io_driver_choice, C15_9_without_a_choice_it_is_automatic) {
    EXPECT_EQ(loop_options{}.driver, io_driver::automatic);
    EXPECT_EQ(io_driver{}, io_driver::automatic);
}

TEST_F(io_driver_choice, C15_9_a_loop_opens_no_descriptor_before_its_first_io) {
    const int before = open_descriptors();
    const bide::loop automatic;
    EXPECT_EQ(open_descriptors(), before);
    const bide::loop epoll(loop_options{io_driver::epoll});
    EXPECT_EQ(open_descriptors(), before);
}

TEST_F(io_driver_choice, C15_9_a_loop_that_demands_io_uring_has_it_from_the_beginning) {
    if (!kernel_has_io_uring()) {  // then the loop's constructor throws the system's error
        EXPECT_THROW(bide::loop(loop_options{io_driver::io_uring}), std::system_error);
        return;
    }
    const int before = open_descriptors();
    bide::loop l(loop_options{io_driver::io_uring});
    EXPECT_NE(driver_of(l).ring_made, nullptr);
    EXPECT_GT(open_descriptors(), before);
}

TEST_F(io_driver_choice, C15_9_a_loop_that_wants_epoll_gets_no_ring_when_io_asks_for_one) {
    bide::loop l(loop_options{io_driver::epoll});
    EXPECT_EQ(driver_of(l).ring(), nullptr);
}

TEST_F(io_driver_choice, C15_9_the_environment_forbids_io_uring) {
    if (!in_process_with("epoll")) return;
    bide::loop l;
    EXPECT_EQ(driver_of(l).ring(), nullptr);
}

TEST_F(io_driver_choice, C15_9_the_loops_own_choice_goes_before_the_environments) {
    if (!in_process_with("epoll")) return;
    if (!kernel_has_io_uring()) {
        EXPECT_THROW(bide::loop(loop_options{io_driver::io_uring}), std::system_error);
        return;
    }
    bide::loop l(loop_options{io_driver::io_uring});
    EXPECT_NE(driver_of(l).ring_made, nullptr);
}

TEST_F(io_driver_choice, C15_9_epoll_of_a_loop_goes_before_io_uring_of_the_environment) {
    if (!in_process_with("io_uring")) return;
    bide::loop l(loop_options{io_driver::epoll});
    EXPECT_EQ(driver_of(l).ring(), nullptr);
}

TEST_F(io_driver_choice, C15_9_auto_in_the_environment_is_as_no_word) {
    if (!in_process_with("auto")) return;
    bide::loop l;
    EXPECT_EQ(driver_of(l).ring() != nullptr, kernel_has_io_uring());
}

TEST_F(io_driver_choice, C15_9_another_word_is_a_usage_error_of_the_loops_constructor) {
    if (!in_process_with("kqueue")) return;
    try {
        const bide::loop l;
        ADD_FAILURE() << "a loop was made";
    } catch (const bide::usage_error& e) {
        EXPECT_NE(std::string(e.what()).find("BIDE_DRIVER=kqueue"), std::string::npos) << e.what();
    }
    EXPECT_NO_THROW(bide::loop(loop_options{io_driver::epoll}))
        << "a loop whose program names the driver does not read BIDE_DRIVER";
}

TEST_F(io_driver_choice, C15_9_virtual_time_has_no_descriptors_whatever_is_chosen) {
    const bide::testing::virtual_time time;
    const int before = open_descriptors();
    for (const io_driver wanted : {io_driver::automatic, io_driver::epoll, io_driver::io_uring}) {
        bide::loop l(loop_options{wanted});
        EXPECT_EQ(driver_of(l).ring(), nullptr);
        EXPECT_THROW(static_cast<void>(l.descriptor()), std::logic_error);
    }
    EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
