# Stands in for Zephyr on a host: what the kit uses of its build system, and no more.
project(zephyr_stub C)
include(${CMAKE_SOURCE_DIR}/kconfig.cmake)
add_executable(app ${CMAKE_CURRENT_LIST_DIR}/zephyr.c)
target_include_directories(app PRIVATE ${CMAKE_CURRENT_LIST_DIR}/include)

function(zephyr_include_directories)
    foreach(directory ${ARGN})
        target_include_directories(app PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/${directory})
        set_property(GLOBAL APPEND PROPERTY ZEPHYR_INCLUDES ${CMAKE_CURRENT_SOURCE_DIR}/${directory})
    endforeach()
endfunction()

# A macro, so that the functions after it find the library in the same scope.
macro(zephyr_library)
    get_filename_component(ZEPHYR_CURRENT_LIBRARY ${CMAKE_CURRENT_SOURCE_DIR} NAME)
    set(ZEPHYR_CURRENT_LIBRARY zephyr_${ZEPHYR_CURRENT_LIBRARY})
    add_library(${ZEPHYR_CURRENT_LIBRARY} STATIC)
    get_property(includes GLOBAL PROPERTY ZEPHYR_INCLUDES)
    target_include_directories(${ZEPHYR_CURRENT_LIBRARY} PRIVATE ${includes})
    target_link_libraries(app PRIVATE ${ZEPHYR_CURRENT_LIBRARY})
endmacro()

function(zephyr_library_sources)
    target_sources(${ZEPHYR_CURRENT_LIBRARY} PRIVATE ${ARGN})
endfunction()

function(zephyr_library_include_directories)
    target_include_directories(${ZEPHYR_CURRENT_LIBRARY} PRIVATE ${ARGN})
endfunction()

function(zephyr_library_compile_options_ifdef condition)
    if(${condition})
        target_compile_options(${ZEPHYR_CURRENT_LIBRARY} PRIVATE ${ARGN})
    endif()
endfunction()

foreach(module ${ZEPHYR_EXTRA_MODULES})
    file(READ ${module}/zephyr/module.yml text)
    string(REGEX MATCH "name: ([^\n]*)" _ "${text}")
    set(name ${CMAKE_MATCH_1})
    string(REGEX MATCH "cmake: ([^\n]*)" _ "${text}")
    add_subdirectory(${module}/${CMAKE_MATCH_1} modules/${name})
endforeach()
