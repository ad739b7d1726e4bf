# SPDX-License-Identifier: Apache-2.0
# make install: libraries, headers, what pkg-config and find_package read, programs, pages.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/copycat)
set_target_properties(copycat_shared PROPERTIES EXPORT_NAME copycat)
set_target_properties(copycat PROPERTIES EXPORT_NAME static)

# Two sets: who links the shared library needs nothing of what the archive needs.
install(TARGETS copycat_shared EXPORT copycatTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS copycat EXPORT copycatStaticTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
foreach(set copycatTargets copycatStaticTargets)
  install(EXPORT ${set} NAMESPACE copycat:: DESTINATION ${package_dir})
endforeach()
configure_package_config_file(
  ${PROJECT_SOURCE_DIR}/packaging/copycatConfig.cmake.in ${PROJECT_BINARY_DIR}/copycatConfig.cmake
  INSTALL_DESTINATION ${package_dir})
# Before 1.0 a new minor version may break what was.
write_basic_package_version_file(
  ${PROJECT_BINARY_DIR}/copycatConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/copycatConfig.cmake ${PROJECT_BINARY_DIR}/copycatConfigVersion.cmake
  DESTINATION ${package_dir})

# pkg-config: paths below the prefix are written so that the tree may be moved.
foreach(kind LIB INCLUDE)
  if(IS_ABSOLUTE ${CMAKE_INSTALL_${kind}DIR})
    set(pc_${kind} ${CMAKE_INSTALL_${kind}DIR})
  else()
    set(pc_${kind} "\${prefix}/${CMAKE_INSTALL_${kind}DIR}")
  endif()
endforeach()
configure_file(
  ${PROJECT_SOURCE_DIR}/packaging/copycat.pc.in ${PROJECT_BINARY_DIR}/copycat.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/copycat.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(FILES ${PROJECT_SOURCE_DIR}/include/copycat.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/copycat DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.h")
install(TARGETS copycatd copycat-cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

file(READ ${PROJECT_SOURCE_DIR}/packaging/copycatd.service unit)
string(REPLACE "/usr/bin/" "${CMAKE_INSTALL_FULL_BINDIR}/" unit "${unit}")
string(REPLACE "/usr/share/doc/copycat" "${CMAKE_INSTALL_FULL_DOCDIR}" unit "${unit}")
string(REPLACE "/etc/copycat/" "${CMAKE_INSTALL_FULL_SYSCONFDIR}/copycat/" unit "${unit}")
file(WRITE ${PROJECT_BINARY_DIR}/copycatd.service "${unit}")
install(FILES ${PROJECT_BINARY_DIR}/copycatd.service DESTINATION lib/systemd/system)

# What the unit reads: an example that sets nothing.  One that is there already is somebody's.
set(conf_dir ${CMAKE_INSTALL_FULL_SYSCONFDIR}/copycat)
install(CODE "
  set(conf_dir \"${conf_dir}\")
  if(NOT CMAKE_INSTALL_PREFIX STREQUAL \"${CMAKE_INSTALL_PREFIX}\")
    set(conf_dir \"\${CMAKE_INSTALL_PREFIX}/etc/copycat\")
  endif()
  if(NOT EXISTS \"\$ENV{DESTDIR}\${conf_dir}/copycatd.conf\")
    file(INSTALL DESTINATION \"\${conf_dir}\" TYPE FILE
      FILES \"${PROJECT_SOURCE_DIR}/packaging/copycatd.conf\")
  endif()")
install(FILES
  ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/CHANGELOG.md
  ${PROJECT_SOURCE_DIR}/docs/configuration.md ${PROJECT_SOURCE_DIR}/packaging/copycatd.conf
  DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES ${PROJECT_SOURCE_DIR}/packaging/copycatd.8 DESTINATION ${CMAKE_INSTALL_MANDIR}/man8)
install(FILES ${PROJECT_SOURCE_DIR}/packaging/copycat.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
