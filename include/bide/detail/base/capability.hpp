// SPDX-License-Identifier: BSL-1.0
//
// Which lock guards what, in a form that clang checks (-Wthread-safety); nothing for other compilers.
//
//     spin_lock lock_;
//     int count_ BIDE_GUARDED_BY(lock_) = 0;
//     void add_locked() BIDE_REQUIRES(lock_);      // the caller holds lock_
//     void add() BIDE_EXCLUDES(lock_);             // takes lock_ itself
//
// BIDE_UNANALYZED names a function that clang cannot follow (a lock that is chosen at run time, that one function takes
// and another gives back, or that is held on through a condition); the comment beside it says why.
#pragma once

#if defined(__clang__)
#define BIDE_CAPABILITY_ATTRIBUTE(x) __attribute__((x))
#else
#define BIDE_CAPABILITY_ATTRIBUTE(x)
#endif

#define BIDE_CAPABILITY(kind) BIDE_CAPABILITY_ATTRIBUTE(capability(kind))
#define BIDE_SCOPED_CAPABILITY BIDE_CAPABILITY_ATTRIBUTE(scoped_lockable)
#define BIDE_GUARDED_BY(lock) BIDE_CAPABILITY_ATTRIBUTE(guarded_by(lock))
#define BIDE_REQUIRES(...) BIDE_CAPABILITY_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define BIDE_EXCLUDES(...) BIDE_CAPABILITY_ATTRIBUTE(locks_excluded(__VA_ARGS__))
#define BIDE_ACQUIRE(...) BIDE_CAPABILITY_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define BIDE_RELEASE(...) BIDE_CAPABILITY_ATTRIBUTE(release_capability(__VA_ARGS__))
#define BIDE_TRY_ACQUIRE(...) BIDE_CAPABILITY_ATTRIBUTE(try_acquire_capability(__VA_ARGS__))
#define BIDE_RETURN_CAPABILITY(lock) BIDE_CAPABILITY_ATTRIBUTE(lock_returned(lock))
#define BIDE_ASSERT_CAPABILITY(lock) BIDE_CAPABILITY_ATTRIBUTE(assert_capability(lock))
#define BIDE_UNANALYZED BIDE_CAPABILITY_ATTRIBUTE(no_thread_safety_analysis)
