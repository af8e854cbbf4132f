# SPDX-License-Identifier: BSL-1.0
# The parts of bide that need a neighbour's library: each is a library of its own (bide::tls, bide::dns), an install
# component of the CMake package, and a pkg-config file. bide_parts lists those that are built.
set(bide_parts "")

# bide_part(NAME OPTION NEIGHBOUR FOUND): decides by OPTION (AUTO, ON, OFF) and by whether the neighbour was FOUND; makes
# the target from src/io/NAME. The neighbour is an implementation detail: no header of ours includes theirs.
function(bide_part name option neighbour found)
  if(NOT "${${option}}" MATCHES "^(AUTO|ON|OFF|TRUE|FALSE|YES|NO|1|0)$")
    message(FATAL_ERROR "${option} is AUTO, ON or OFF, not '${${option}}'")
  endif()
  if(NOT found)
    if(NOT "${${option}}" STREQUAL "AUTO")
      message(FATAL_ERROR "${option}=${${option}} needs ${neighbour}, which was not found")
    endif()
    message(STATUS "bide::${name} is not built: ${neighbour} was not found")
    return()
  endif()
  file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/io/${name}/*.cpp")
  add_library(bide_${name} ${sources})
  add_library(bide::${name} ALIAS bide_${name})
  bide_own_target(bide_${name})
  target_link_libraries(bide_${name} PUBLIC bide PRIVATE ${ARGN})
  target_include_directories(bide_${name} PRIVATE "${PROJECT_SOURCE_DIR}/src")
  set_target_properties(bide_${name} PROPERTIES EXPORT_NAME ${name} POSITION_INDEPENDENT_CODE ON
                                                VERSION ${PROJECT_VERSION} SOVERSION ${BIDE_SOVERSION})
  list(APPEND bide_parts ${name})
  set(bide_parts "${bide_parts}" PARENT_SCOPE)
endfunction()

if(BIDE_TLS)
  find_package(OpenSSL 3.0 QUIET COMPONENTS SSL Crypto)
  set(found FALSE)
  if(TARGET OpenSSL::SSL)
    set(found TRUE)
  endif()
  bide_part(tls BIDE_TLS "OpenSSL 3" ${found} OpenSSL::SSL OpenSSL::Crypto)
endif()
if(BIDE_DNS)
  find_package(BideCares 1.18 QUIET)
  bide_part(dns BIDE_DNS "c-ares 1.18" "${BideCares_FOUND}" BideCares::cares)
endif()
