# Which versions find_package(sdfgen VERSION) takes: this one or an older one with the same first number, and while that is
# 0 with the same second one. The version is where Python has it: in a wheel, or in a checkout.
foreach(_sdfgen_package "${CMAKE_CURRENT_LIST_DIR}/../../../.." "${CMAKE_CURRENT_LIST_DIR}/../../../sdfgen")
  if(EXISTS "${_sdfgen_package}/__init__.py")
    file(STRINGS "${_sdfgen_package}/__init__.py" _sdfgen_line REGEX "^__version__ = \"")
    if(_sdfgen_line MATCHES "\"([0-9.]+)")
      set(PACKAGE_VERSION "${CMAKE_MATCH_1}")
      break()
    endif()
  endif()
endforeach()

set(_sdfgen_same "^([0-9]+)")
if(PACKAGE_VERSION MATCHES "^0\\.")
  set(_sdfgen_same "^(0\\.[0-9]+)")
endif()
string(REGEX MATCH "${_sdfgen_same}" _sdfgen_own "${PACKAGE_VERSION}")
string(REGEX MATCH "${_sdfgen_same}" _sdfgen_wanted "${PACKAGE_FIND_VERSION}")

if(PACKAGE_FIND_VERSION_RANGE) # 2.0...3.1, from CMake 3.19 on: the author says what will do
  if(PACKAGE_VERSION VERSION_GREATER_EQUAL PACKAGE_FIND_VERSION_MIN
     AND (PACKAGE_VERSION VERSION_LESS PACKAGE_FIND_VERSION_MAX
          OR (PACKAGE_FIND_VERSION_RANGE_MAX STREQUAL "INCLUDE" AND PACKAGE_VERSION VERSION_EQUAL PACKAGE_FIND_VERSION_MAX)))
    set(PACKAGE_VERSION_COMPATIBLE TRUE)
  endif()
elseif(PACKAGE_VERSION VERSION_GREATER_EQUAL PACKAGE_FIND_VERSION AND _sdfgen_own VERSION_EQUAL _sdfgen_wanted)
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
endif()
if(PACKAGE_VERSION VERSION_EQUAL PACKAGE_FIND_VERSION)
  set(PACKAGE_VERSION_EXACT TRUE)
endif()
unset(_sdfgen_package)
unset(_sdfgen_line)
unset(_sdfgen_same)
unset(_sdfgen_own)
unset(_sdfgen_wanted)
