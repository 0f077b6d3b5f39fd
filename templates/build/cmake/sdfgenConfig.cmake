# Systems as CMake targets: find_package(sdfgen CONFIG REQUIRED), with sdfgen_DIR as `sdfgen --cmake-dir` says.
#
#   sdfgen_system(TARGET DESCRIPTION [FOLDER folder] [BOARDS board...] [SET path=value...] [OPTIONS option...])
#
# TARGET is part of `all`: it builds DESCRIPTION into FOLDER, TARGET in the binary directory unless it is given, again
# whenever anything has changed that it is made from. Its property SDFGEN_STAMP is a file that is newer than all of that.
cmake_policy(PUSH)
cmake_policy(VERSION 3.16)
if(POLICY CMP0116)
  cmake_policy(SET CMP0116 NEW) # of depfiles; all paths in ours are absolute
endif()

# Beside the Python that has this file, else wherever it is on PATH.
get_filename_component(_sdfgen_prefix "${CMAKE_CURRENT_LIST_DIR}/../../../../../../../.." ABSOLUTE)
find_program(sdfgen_EXECUTABLE sdfgen HINTS "${_sdfgen_prefix}/bin")
unset(_sdfgen_prefix)
if(NOT sdfgen_EXECUTABLE)
  set(sdfgen_FOUND FALSE)
  set(sdfgen_NOT_FOUND_MESSAGE "no program `sdfgen` on PATH: activate its environment, or set sdfgen_EXECUTABLE")
  cmake_policy(POP)
  return()
endif()

function(sdfgen_system target description)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "FOLDER" "BOARDS;SET;OPTIONS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "sdfgen_system(${target}): unknown arguments: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  get_filename_component(description "${description}" ABSOLUTE BASE_DIR "${CMAKE_CURRENT_SOURCE_DIR}")
  if(NOT arg_FOLDER)
    set(arg_FOLDER "${target}")
  endif()
  get_filename_component(folder "${arg_FOLDER}" ABSOLUTE BASE_DIR "${CMAKE_CURRENT_BINARY_DIR}")

  set(stamp "${folder}/${target}.stamp")
  set(depfile "${folder}/${target}.d")
  set(told_stamp "${stamp}")
  if(CMAKE_VERSION VERSION_LESS 3.20)
    # Ninja compares the depfile's target with what CMake wrote, which begins at the top until then.
    file(RELATIVE_PATH told_stamp "${CMAKE_BINARY_DIR}" "${stamp}")
  endif()
  set(command "${sdfgen_EXECUTABLE}" build "${description}" -o "${folder}" --stamp "${told_stamp}" --depfile "${depfile}")
  foreach(board IN LISTS arg_BOARDS)
    list(APPEND command --board "${board}")
  endforeach()
  foreach(setting IN LISTS arg_SET)
    list(APPEND command --set "${setting}")
  endforeach()
  list(APPEND command ${arg_OPTIONS})

  if(CMAKE_GENERATOR MATCHES "Ninja" OR NOT CMAKE_VERSION VERSION_LESS 3.20)
    add_custom_command(
      OUTPUT "${stamp}"
      COMMAND ${command}
      DEPENDS "${description}"
      DEPFILE "${depfile}"
      WORKING_DIRECTORY "${CMAKE_BINARY_DIR}"
      COMMENT "sdfgen build ${target}"
      VERBATIM)
    add_custom_target(${target} ALL DEPENDS "${stamp}")
  else()
    # Makefiles know no depfiles before CMake 3.20: sdfgen itself sees in milliseconds whether there is work.
    add_custom_target(
      ${target} ALL
      COMMAND ${command}
      BYPRODUCTS "${stamp}"
      WORKING_DIRECTORY "${CMAKE_BINARY_DIR}"
      COMMENT "sdfgen build ${target}"
      VERBATIM)
  endif()
  set_target_properties(${target} PROPERTIES SDFGEN_STAMP "${stamp}" SDFGEN_FOLDER "${folder}")
endfunction()
cmake_policy(POP)
