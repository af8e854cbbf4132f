// SPDX-License-Identifier: BSL-1.0
//
// Runs a function on a thread whose stack has the size that the test says.
#pragma once

#include <pthread.h>

#include <cstddef>
#include <functional>
#include <system_error>

namespace support {

inline void run_on_stack(std::size_t bytes, std::function<void()> f) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, bytes);
    pthread_t thread{};
    const auto body = [](void* with) -> void* {
        (*static_cast<std::function<void()>*>(with))();
        return nullptr;
    };
    const int error = pthread_create(&thread, &attributes, body, &f);
    pthread_attr_destroy(&attributes);
    if (error != 0) throw std::system_error(error, std::generic_category(), "pthread_create");
    pthread_join(thread, nullptr);
}

}  // namespace support
