# Targets are made from folders: a new file needs no line here.

# shunt_library(NAME FOLDER... LINK TARGET...): a static library of the folders' own .cc files.
function(shunt_library name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  set(sources "")
  foreach(folder ${ARG_UNPARSED_ARGUMENTS})
    file(GLOB found CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.cc)
    list(APPEND sources ${found})
  endforeach()
  if(sources)
    add_library(${name} STATIC ${sources})
    target_link_libraries(${name} PUBLIC ${ARG_LINK})
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE ${ARG_LINK})
  endif()
endfunction()

# shunt_embed(TARGET FOLDER): the folder's files as a part of the target.
function(shunt_embed target folder)
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*)
  string(REPLACE "/" "_" stem ${folder})
  set(source ${CMAKE_BINARY_DIR}/embedded/${stem}.cc)
  add_custom_command(
    OUTPUT ${source}
    COMMAND ${CMAKE_COMMAND} -DOUTPUT=${source} -DFOLDER=${CMAKE_SOURCE_DIR}/${folder} -P ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
    DEPENDS ${files} ${CMAKE_SOURCE_DIR}/cmake/embed.cmake VERBATIM)
  target_sources(${target} PRIVATE ${source})
endfunction()

# shunt_program(NAME FOLDER LINK TARGET...): an executable of one folder's .cc files, in bin/.
function(shunt_program name folder)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.cc)
  if(sources)
    add_executable(${name} ${sources})
    target_link_libraries(${name} PRIVATE ${ARG_LINK})
    # Half of what a file of a program costs the compiler is the headers of gRPC, Protobuf and CLI11.
    set_target_properties(${name} PROPERTIES UNITY_BUILD ${SHUNT_UNITY} UNITY_BUILD_BATCH_SIZE 0)
  endif()
endfunction()

# shunt_test(NAME LINK TARGET... FOLDERS FOLDER...): one binary of every *_test.cc of the folders; each suite
# of it is a ctest case. Under a sanitizer the cases' names begin with its preset's name.
function(shunt_test name)
  cmake_parse_arguments(ARG "" "" "LINK;FOLDERS" ${ARGN})
  set(sources "")
  foreach(folder ${ARG_FOLDERS})
    file(GLOB_RECURSE found CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/${folder}/*_test.cc)
    list(APPEND sources ${found})
  endforeach()
  if(sources)
    add_executable(${name} ${sources})
    target_link_libraries(${name} PRIVATE ${ARG_LINK} GTest::gmock)
    # The tables of cases in tests take -O2 ten times as long as -O1, and nobody waits for what it gains.
    target_compile_options(${name} PRIVATE -O1)
    add_dependencies(unit_tests ${name})
    set(suites ${CMAKE_CURRENT_BINARY_DIR}/${name}_suites.cmake)
    add_custom_command(TARGET ${name} POST_BUILD BYPRODUCTS ${suites} VERBATIM
      COMMAND ${CMAKE_COMMAND} -D BINARY=$<TARGET_FILE:${name}> -D OUTPUT=${suites} -D "PREFIX=${SHUNT_TEST_PREFIX}"
              -D DIRECTORY=${CMAKE_SOURCE_DIR} -P ${CMAKE_SOURCE_DIR}/cmake/discover_suites.cmake)
    file(GENERATE OUTPUT ${name}_include.cmake CONTENT
      "if(EXISTS [=[${suites}]=])\n  include([=[${suites}]=])\nelse()\n  add_test(${name}_NOT_BUILT ${name}_NOT_BUILT)\nendif()\n")
    set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${CMAKE_CURRENT_BINARY_DIR}/${name}_include.cmake)
  endif()
endfunction()
