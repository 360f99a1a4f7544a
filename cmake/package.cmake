# `cpack` in the build folder, or scripts/dev package: shunt_VERSION_ARCHITECTURE.deb.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME shunt)
set(CPACK_PACKAGE_CONTACT "Shunt maintainers <maintainers@shunt.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "layer-4 load balancer on DPDK")
set(CPACK_PACKAGE_DESCRIPTION "Shunt spreads the connections of clients to a virtual service over many real
servers, as Linux's IP Virtual Server does, in userspace and on DPDK. shuntd
is the daemon, shuntctl its command line.")
set(CPACK_STRIP_FILES ON)
# /etc is outside of the prefix.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# Drivers are no libraries of ours: EAL loads those that it finds.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser, iproute2, kmod, librte-mempool-ring23, librte-bus-pci23, librte-bus-vdev23, librte-meta-net")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "dpdk")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
foreach(script conffiles postinst prerm postrm)
  list(APPEND CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_SOURCE_DIR}/config/debian/${script})
endforeach()

set(doc ${CMAKE_BINARY_DIR}/package)
configure_file(config/debian/changelog ${doc}/changelog @ONLY)
find_program(GZIP gzip REQUIRED)
string(TIMESTAMP today "%Y-%m-%d" UTC)
set(pages ${doc}/man/shuntd.8 ${doc}/man/shuntctl.1 ${doc}/man/shunt.yaml.5)
add_custom_command(OUTPUT ${pages} VERBATIM
  COMMAND /usr/bin/python3 -B ${CMAKE_SOURCE_DIR}/scripts/man-pages --bin ${CMAKE_BINARY_DIR}/bin --version ${PROJECT_VERSION}
          --date ${today} --output ${doc}/man
  DEPENDS shuntd shuntctl ${CMAKE_SOURCE_DIR}/scripts/man-pages ${CMAKE_SOURCE_DIR}/proto/shunt/v1/config.proto)
foreach(document ${doc}/changelog ${pages})
  add_custom_command(OUTPUT ${document}.gz COMMAND ${GZIP} -9nkf ${document} DEPENDS ${document} VERBATIM)
  list(APPEND documents ${document}.gz)
endforeach()
# What `cpack` needs, and no test.
add_custom_target(package_files ALL DEPENDS ${documents})
add_dependencies(package_files shuntd shuntctl)
install(FILES ${doc}/changelog.gz config/debian/copyright DESTINATION share/doc/shunt)
foreach(page ${pages})
  string(REGEX MATCH "[0-9]$" section ${page})
  install(FILES ${page}.gz DESTINATION share/man/man${section})
endforeach()
include(CPack)
