# SPDX-License-Identifier: BSL-1.0
# c-ares as the target BideCares::cares. Its own CMake package is not always packaged (Debian 12 has only the pkg-config
# file); the header tells the version.
find_path(BideCares_INCLUDE_DIR ares.h)
find_library(BideCares_LIBRARY cares)
if(BideCares_INCLUDE_DIR AND EXISTS "${BideCares_INCLUDE_DIR}/ares_version.h")
  file(STRINGS "${BideCares_INCLUDE_DIR}/ares_version.h" line REGEX "#define ARES_VERSION_STR ")
  string(REGEX REPLACE ".*\"([0-9.]+).*" "\\1" BideCares_VERSION "${line}")
endif()
mark_as_advanced(BideCares_INCLUDE_DIR BideCares_LIBRARY)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(BideCares REQUIRED_VARS BideCares_LIBRARY BideCares_INCLUDE_DIR
                                  VERSION_VAR BideCares_VERSION)
if(BideCares_FOUND AND NOT TARGET BideCares::cares)
  add_library(BideCares::cares UNKNOWN IMPORTED)
  set_target_properties(BideCares::cares PROPERTIES IMPORTED_LOCATION "${BideCares_LIBRARY}"
                                                    INTERFACE_INCLUDE_DIRECTORIES "${BideCares_INCLUDE_DIR}")
endif()
