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

option(BIDE_PRECOMPILE "Precompile what the library's own sources include" OFF)

# Precompiles what nearly every example includes.
function(bide_precompile target)
  target_precompile_headers(${target} PRIVATE <bide/bide.hpp>)
endfunction()

# Batches test files, by about 60 kB, into one source each: what they instantiate alike is compiled once. Each file keeps a
# namespace for itself; what the files of a batch include comes before all of them. A file that opens a named namespace,
# or defines macros, stays alone.
function(bide_batch_tests out)
  set(sources "")
  set(batch 0)
  set(size 0)
  set(includes "")
  set(bodies "")
  foreach(source IN LISTS ARGN ITEMS LAST_ONE)
    set(alone "")
    if(EXISTS "${source}")
      file(STRINGS "${source}" alone REGEX "^namespace [a-z_:0-9]+ {|^#define|BIDE_SIGNALS_CHILD" LIMIT_COUNT 1)
      if(alone)
        list(APPEND sources "${source}")
        continue()
      endif()
      set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${source}") # it may include something new
      file(STRINGS "${source}" lines REGEX "^#include ")
      list(APPEND includes ${lines})
      get_filename_component(name "${source}" NAME_WE)
      string(APPEND bodies "namespace ${name}_file {\n#include \"${source}\"\n}  // namespace\n")
      file(SIZE "${source}" bytes)
      math(EXPR size "${size} + ${bytes}")
    endif()
    if(bodies AND (size GREATER 60000 OR source STREQUAL "LAST_ONE"))
      list(REMOVE_DUPLICATES includes)
      list(JOIN includes "\n" text)
      set(file "${CMAKE_CURRENT_BINARY_DIR}/batches/batch_${batch}.cpp")
      file(CONFIGURE OUTPUT "${file}" CONTENT "${text}\n${bodies}" @ONLY)
      list(APPEND sources "${file}")
      # g++ takes the test files for headers there, in which an unnamed namespace would be a mistake.
      set_source_files_properties("${file}" PROPERTIES
        COMPILE_OPTIONS "$<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>")
      math(EXPR batch "${batch} + 1")
      set(size 0)
      set(includes "")
      set(bodies "")
    endif()
  endforeach()
  if(bodies)
    message(FATAL_ERROR "bide_batch_tests: test files were left out")
  endif()
  set(${out} "${sources}" PARENT_SCOPE)
endfunction()

# How a user's compiler would be called on a source file that includes bide, as a list: for checks that only compile.
# gnu++20, as CMake and many users have it: no public name may be one of its macros (unix, linux).
function(bide_compile_command out)
  separate_arguments(flags NATIVE_COMMAND "${CMAKE_CXX_FLAGS}")
  set(${out} "${CMAKE_CXX_COMPILER}" ${flags} -std=gnu++20 ${BIDE_WARNINGS} -pthread
             "-I${PROJECT_SOURCE_DIR}/include" PARENT_SCOPE)
endfunction()
