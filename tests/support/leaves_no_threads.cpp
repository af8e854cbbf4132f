// SPDX-License-Identifier: BSL-1.0
//
// Many tests run in one process. After each, on the thread that runs the tests, the default set of threads and the
// background loop are shut down and joined: else an idle thread of an earlier test ends, and closes its descriptors, while a
// later test counts. A test that leaves a job running hangs here, and is named.
#include <bide/threads.hpp>

#include <gtest/gtest.h>

namespace {

class leaves_no_threads : public testing::EmptyTestEventListener {
    void OnTestEnd(const testing::TestInfo&) override { bide::shutdown(); }
};

[[maybe_unused]] const bool registered = [] {
    testing::UnitTest::GetInstance()->listeners().Append(new leaves_no_threads);  // GoogleTest deletes it
    return true;
}();

}  // namespace
