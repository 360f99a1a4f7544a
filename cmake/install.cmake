# Where everything goes on a machine: `cmake --install`, and what the package is made of.
include(GNUInstallDirs)
set(SHUNT_ETC "/etc" CACHE PATH "Where configuration is installed; shuntd's default file is /etc/shunt/shunt.yaml")
set(SHUNT_LIBEXEC libexec/shunt)

install(TARGETS shuntd RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR})
install(TARGETS shuntctl RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES config/examples/production.yaml DESTINATION ${SHUNT_ETC}/shunt RENAME shunt.yaml)
install(FILES config/systemd/default DESTINATION ${SHUNT_ETC}/default RENAME shunt)
install(PROGRAMS config/systemd/hugepages config/systemd/bind DESTINATION ${SHUNT_LIBEXEC})
file(GLOB units CONFIGURE_DEPENDS config/systemd/*.service)
install(FILES ${units} DESTINATION lib/systemd/system)
install(FILES scripts/completion/shuntctl.bash
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME shuntctl)
install(FILES scripts/completion/shuntctl.zsh
  DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions RENAME _shuntctl)
install(FILES scripts/completion/shuntctl.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)

file(GLOB docs CONFIGURE_DEPENDS docs/*.md)
install(FILES README.md CHANGELOG.md DECISIONS.md ${docs} DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY config/examples docs/examples config/prometheus config/grafana config/bird DESTINATION ${CMAKE_INSTALL_DOCDIR})
