# SPDX-License-Identifier: BSL-1.0
# Whether the io_uring driver is built. It needs no library, only the headers of Linux 6.1 or newer; whether a kernel allows
# it is found out when a program runs.
function(bide_choose_io_uring target)
  set_property(CACHE BIDE_IO_URING PROPERTY STRINGS AUTO ON OFF)
  set(has 0)
  if(BIDE_IO_URING)
    include(CheckCXXSourceCompiles)
    check_cxx_source_compiles("
      #include <linux/io_uring.h>
      int main() {
        return IORING_SETUP_DEFER_TASKRUN + IORING_RECV_MULTISHOT + IORING_REGISTER_PBUF_RING + IORING_OP_SENDMSG_ZC;
      }" BIDE_HEADERS_KNOW_IO_URING)
    if(BIDE_HEADERS_KNOW_IO_URING)
      set(has 1)
    elseif(NOT BIDE_IO_URING STREQUAL "AUTO")
      message(FATAL_ERROR "BIDE_IO_URING=ON, but the system's <linux/io_uring.h> is missing or older than Linux 6.1")
    endif()
  endif()
  target_compile_definitions(${target} PRIVATE BIDE_HAS_IO_URING=${has})
endfunction()
