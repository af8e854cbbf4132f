// SPDX-License-Identifier: BSL-1.0
//
// fast-async, subscribe: callbacks for success and failure, called where the result is produced, or, when asked for, on
// the thread that subscribes.
#include <bide/bide.hpp>

#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>

int main() {
    auto parse = bide::make_async([](std::string text) { return std::stoi(text); });

    auto on_value = [](int n) { std::cout << "success: " << n << '\n'; };
    auto on_error = [](std::exception_ptr error) {
        try {
            std::rethrow_exception(error);
        } catch (const std::invalid_argument&) {
            std::cout << "failure: not a number\n";
        }
    };

    parse("42").subscribe(on_value, on_error, bide::run_on::caller);  // waits, and calls here
    parse("forty-two").subscribe(on_value, on_error, bide::run_on::caller);

    bide::promise<> called;
    parse("43").subscribe(
        [&](int n) {
            on_value(n);
            called.set_value();
        },
        on_error);  // does not wait: called on the job's thread
    called.get_future().wait();
}
