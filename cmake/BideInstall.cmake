# SPDX-License-Identifier: BSL-1.0
# Install rules, the CMake package, the pkg-config file, and the packages that CPack makes.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# --- the library ------------------------------------------------------------------------------------------------------
install(TARGETS bide EXPORT bideTargets
        LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
        INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
# Each part in an export of its own: a project that does not ask for it needs nothing of what it needs.
foreach(part IN LISTS bide_parts)
  install(TARGETS bide_${part} EXPORT bide_${part}Targets
          LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
          INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
endforeach()
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/bide" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
        FILES_MATCHING PATTERN "*.hpp")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}" RENAME copyright)

# --- find_package(bide) -----------------------------------------------------------------------------------------------
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/bide")
install(EXPORT bideTargets NAMESPACE bide:: DESTINATION "${package_dir}")
foreach(part IN LISTS bide_parts)
  install(EXPORT bide_${part}Targets NAMESPACE bide:: DESTINATION "${package_dir}")
endforeach()
if("dns" IN_LIST bide_parts)
  install(FILES "${PROJECT_SOURCE_DIR}/cmake/FindBideCares.cmake" DESTINATION "${package_dir}")
endif()
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/bideConfig.cmake.in"
                              "${CMAKE_CURRENT_BINARY_DIR}/bideConfig.cmake" INSTALL_DESTINATION "${package_dir}")
# Before 1.0 a program is only sure of the minor version that it was written for; the sources tell when that is.
if(PROJECT_VERSION_MAJOR EQUAL 0)
  set(compatibility SameMinorVersion)
else()
  set(compatibility SameMajorVersion)
endif()
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/bideConfigVersion.cmake" COMPATIBILITY ${compatibility})
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/bideConfig.cmake" "${CMAKE_CURRENT_BINARY_DIR}/bideConfigVersion.cmake"
        DESTINATION "${package_dir}")

# --- pkg-config -------------------------------------------------------------------------------------------------------
# Relative to where the file itself stands, so that an unpacked archive works wherever it lies.
set(pc_dir "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
file(RELATIVE_PATH BIDE_PC_TO_PREFIX "/${pc_dir}" "/")
string(REGEX REPLACE "/$" "" BIDE_PC_TO_PREFIX "${BIDE_PC_TO_PREFIX}")
configure_file("${PROJECT_SOURCE_DIR}/cmake/bide.pc.in" "${CMAKE_CURRENT_BINARY_DIR}/bide.pc" @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/bide.pc" DESTINATION "${pc_dir}")
set(tls_needs "libssl >= 3.0, libcrypto >= 3.0")
set(dns_needs "libcares >= 1.18")
foreach(part IN LISTS bide_parts)
  set(BIDE_PC_PART ${part})
  set(BIDE_PC_REQUIRES "Requires: bide = ${PROJECT_VERSION}")
  if(BUILD_SHARED_LIBS)
    string(APPEND BIDE_PC_REQUIRES "\nRequires.private: ${${part}_needs}")
  else() # a static library leaves it to whoever links the program to link the neighbour too
    string(APPEND BIDE_PC_REQUIRES ", ${${part}_needs}")
  endif()
  configure_file("${PROJECT_SOURCE_DIR}/cmake/bide-part.pc.in" "${CMAKE_CURRENT_BINARY_DIR}/bide-${part}.pc" @ONLY)
  install(FILES "${CMAKE_CURRENT_BINARY_DIR}/bide-${part}.pc" DESTINATION "${pc_dir}")
endforeach()

# --- packages ---------------------------------------------------------------------------------------------------------
set(CPACK_PACKAGE_NAME bide)
set(CPACK_PACKAGE_VENDOR "the bide authors")
set(CPACK_PACKAGE_CONTACT "the bide authors <bide@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "C++20 library for programs that wait (development files)")
set(CPACK_PACKAGE_DESCRIPTION "Coroutines that are written once, and awaited, waited for in plain code, started in a
scope, or submitted to threads. Headers, the libraries, and files for CMake and pkg-config.")
set(CPACK_RESOURCE_FILE_LICENSE "${PROJECT_SOURCE_DIR}/LICENSE")
set(CPACK_GENERATOR TGZ)
set(CPACK_STRIP_FILES OFF)
set(CPACK_DEBIAN_PACKAGE_NAME libbide-dev)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "libc6-dev, libstdc++-12-dev | libstdc++-dev")
# The parts need these; the core, which is most of it, does not.
set(recommended "")
if("tls" IN_LIST bide_parts)
  list(APPEND recommended "libssl-dev (>= 3.0)")
endif()
if("dns" IN_LIST bide_parts)
  list(APPEND recommended "libc-ares-dev (>= 1.18)")
endif()
list(JOIN recommended ", " CPACK_DEBIAN_PACKAGE_RECOMMENDS)
if(BUILD_SHARED_LIBS)
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
  set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
endif()
include(CPack)
