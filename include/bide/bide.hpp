// SPDX-License-Identifier: BSL-1.0
//
// bide.hpp: the core in one include (floors 0 to 3). What talks to the world (io/) is included by itself.
#pragma once

#include <bide/error.hpp>
#include <bide/executor.hpp>
#include <bide/future.hpp>
#include <bide/loop.hpp>
#include <bide/scope.hpp>
#include <bide/stop.hpp>
#include <bide/task.hpp>
#include <bide/time.hpp>
#include <bide/version.hpp>
#include <bide/wait.hpp>
