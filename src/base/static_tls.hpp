// SPDX-License-Identifier: BSL-1.0
//
// For the few words per thread that every await touches: they lie where the thread's memory is laid out when it starts,
// and are found there by an offset, without a call, also in a shared library or a plug-in. There the C library keeps
// some room for libraries that are loaded later (1664 bytes in glibc), which all of them share: so little
// (thread_state, of under 200 bytes, and some words), and pointers to what is larger. Other C libraries may have no
// such room: there it is a thread's variable like any other.
#pragma once

#include <cstddef>  // tells which C library it is

#if defined(__GLIBC__)
#define BIDE_STATIC_TLS [[gnu::tls_model("initial-exec")]]
#else
#define BIDE_STATIC_TLS
#endif
