# Run by the build after a test binary is linked: writes the ctest file with one case per suite of it. One process per
# test would spend more time on starting (EAL, shared libraries, sanitizers) than on testing.
# -D BINARY= OUTPUT= PREFIX= DIRECTORY=
execute_process(COMMAND ${BINARY} --gtest_list_tests WORKING_DIRECTORY ${DIRECTORY} OUTPUT_VARIABLE listing
  RESULT_VARIABLE result TIMEOUT 60)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "${BINARY} --gtest_list_tests failed: ${result}\n${listing}")
endif()
# A suite's line is flush left and ends with a point; what follows it is a comment.
string(REGEX MATCHALL "(^|\n)[^ \n]+\\.(  #[^\n]*)?" suites "${listing}")
if(NOT suites)
  message(FATAL_ERROR "${BINARY} has no tests")
endif()
set(text "")
foreach(suite ${suites})
  string(REGEX REPLACE "^\n|\\.(  #.*)?$" "" suite "${suite}")
  # Skipped, if some of its tests were and none failed: then the list of them ends what it says.
  string(APPEND text "add_test([=[${PREFIX}${suite}]=] [=[${BINARY}]=] [=[--gtest_filter=${suite}.*]=])\n"
    "set_tests_properties([=[${PREFIX}${suite}]=] PROPERTIES LABELS unit WORKING_DIRECTORY [=[${DIRECTORY}]=] "
    "SKIP_REGULAR_EXPRESSION [=[[[]  SKIPPED []] [0-9]+ tests?, listed below:\n([[]  SKIPPED []] [^\n]*\n)+$]=])\n")
endforeach()
file(WRITE ${OUTPUT} "${text}")
