// SPDX-License-Identifier: BSL-1.0
//
// bide.hpp: the core in one include (floors 0 to 3). What talks to the world (io/) is included by itself.
#pragma once

#include <bide/as_result.hpp>
#include <bide/awaitable.hpp>
#include <bide/builders.hpp>
#include <bide/call.hpp>
#include <bide/combine.hpp>
#include <bide/error.hpp>
#include <bide/executor.hpp>
#include <bide/for_each.hpp>
#include <bide/foreign.hpp>
#include <bide/future.hpp>
#include <bide/future_status.hpp>
#include <bide/hooks.hpp>
#include <bide/io_driver.hpp>
#include <bide/loop.hpp>
#include <bide/loop_thread.hpp>
#include <bide/pool.hpp>
#include <bide/scope.hpp>
#include <bide/scope_options.hpp>
#include <bide/settled.hpp>
#include <bide/shield.hpp>
#include <bide/stop.hpp>
#include <bide/stop_on_signals.hpp>
#include <bide/strand.hpp>
#include <bide/sync/barrier.hpp>
#include <bide/sync/channel.hpp>
#include <bide/sync/condition.hpp>
#include <bide/sync/event.hpp>
#include <bide/sync/latch.hpp>
#include <bide/sync/mutex.hpp>
#include <bide/sync/semaphore.hpp>
#include <bide/sync/shared_mutex.hpp>
#include <bide/task.hpp>
#include <bide/task_local.hpp>
#include <bide/threads.hpp>
#include <bide/time.hpp>
#include <bide/version.hpp>
#include <bide/wait.hpp>
