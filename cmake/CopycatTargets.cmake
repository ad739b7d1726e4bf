# SPDX-License-Identifier: Apache-2.0
# The few words that the folders' CMakeLists.txt use.

# COPYCAT_BUG=Tnnn plants a bug.  Only the files that know this trap are told, so that a build which
# plants one trap after the other compiles little.
if(COPYCAT_BUG)
  file(STRINGS ${CMAKE_SOURCE_DIR}/src/base/bug.h trap REGEX "CC_TRAP_${COPYCAT_BUG},")
  if(NOT trap)
    message(FATAL_ERROR "src/base/bug.h has no trap ${COPYCAT_BUG}")
  endif()
endif()

function(cc_plant)
  foreach(file ${ARGN})
    file(STRINGS ${file} lines REGEX "CC_BUG\\(${COPYCAT_BUG}\\)")
    if(lines)
      set_source_files_properties(${file} PROPERTIES COMPILE_DEFINITIONS COPYCAT_BUG=${COPYCAT_BUG})
    endif()
  endforeach()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${ARGN})
endfunction()

# A folder of src/ becomes an object library cc_<name>; all of them make up copycat_internal.
function(cc_layer name)
  add_library(cc_${name} OBJECT ${ARGN})
  if(COPYCAT_BUG)
    list(TRANSFORM ARGN PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/ OUTPUT_VARIABLE paths)
    cc_plant(${paths})
  endif()
  set_property(GLOBAL APPEND PROPERTY CC_LAYERS cc_${name})
endfunction()

# Each file is a test binary of its own, <file>, in build/test/unit/<folder>.
function(cc_unit_test folder)
  foreach(file ${ARGN})
    get_filename_component(name ${file} NAME_WE)
    add_executable(${name} ${file})
    target_link_libraries(${name} PRIVATE copycat_internal cmocka)
    add_test(NAME ${folder}/${name} COMMAND ${name})
  endforeach()
endfunction()

# A libFuzzer target.  The product it runs is built with the coverage that steers it: CC_FUZZ.
function(cc_fuzz_target name)
  add_executable(${name} ${ARGN} fuzz_options.c fuzz_panic.c)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/test)
  target_link_libraries(${name} PRIVATE copycat_internal)
endfunction()
