// SPDX-License-Identifier: BSL-1.0
//
// For the few words per thread that every await touches. They lie in the block that a thread gets when it starts, and
// code reaches them by an offset, without a call, also in a shared library or a plug-in. In that block the C library
// keeps some room for libraries that are loaded later (1664 bytes in glibc), which all of them share. So bide puts
// little there (thread_state, of under 200 bytes, and some words), and pointers to what is larger. Other C libraries
// may have no such room: there the words are thread-locals like any others.
#pragma once

#include <cstddef>  // defines __GLIBC__ where the C library is glibc

#if defined(__GLIBC__)
#define BIDE_STATIC_TLS [[gnu::tls_model("initial-exec")]]
#else
#define BIDE_STATIC_TLS
#endif
