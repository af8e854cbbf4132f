# SPDX-License-Identifier: BSL-1.0
# What every target of bide's own gets: the warnings. Users of the library neither inherit nor see these.
set(BIDE_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual)

function(bide_own_target target)
  if(PROJECT_IS_TOP_LEVEL)
    target_compile_options(${target} PRIVATE ${BIDE_WARNINGS})
  endif()
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    target_compile_options(${target} PRIVATE -Wthread-safety)
  endif()
  # The rules of the kernel are checked where speed is not measured (detail/base/rules.hpp).
  target_compile_definitions(${target} PRIVATE $<$<NOT:$<CONFIG:Release,RelWithDebInfo,MinSizeRel>>:BIDE_CHECK_RULES>)
  if(BIDE_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
endfunction()

# Precompiles what nearly every test and example includes. [GTEST] adds GoogleTest.
function(bide_precompile target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "GTEST" "" "")
  set(headers "")
  if(arg_GTEST)
    list(APPEND headers <gtest/gtest.h>)
  endif()
  if(EXISTS "${PROJECT_SOURCE_DIR}/include/bide/bide.hpp")
    list(APPEND headers <bide/bide.hpp>)
  endif()
  if(headers)
    target_precompile_headers(${target} PRIVATE ${headers})
  endif()
endfunction()

# How a user's compiler would be called on a source file that includes bide, as a list: for checks that only compile.
# gnu++20, as CMake and many users have it: no public name may be one of its macros (unix, linux).
function(bide_compile_command out)
  separate_arguments(flags NATIVE_COMMAND "${CMAKE_CXX_FLAGS}")
  set(${out} "${CMAKE_CXX_COMPILER}" ${flags} -std=gnu++20 ${BIDE_WARNINGS} -pthread
             "-I${PROJECT_SOURCE_DIR}/include" PARENT_SCOPE)
endfunction()
