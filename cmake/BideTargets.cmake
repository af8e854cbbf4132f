# SPDX-License-Identifier: BSL-1.0
# What every target of bide's own gets: the warnings. Users of the library never inherit these.
set(BIDE_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual)

function(bide_own_target target)
  target_compile_options(${target} PRIVATE ${BIDE_WARNINGS})
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
