# CMake toolchain for an Emscripten older than 3.1.60, as Debian 12 has it (3.1.6,
# LLVM 14): it does not know the final relaxed-SIMD instructions. clang and
# wasm-ld of a later LLVM compile and link instead, against the headers, libc
# and allocator in Emscripten's cache, whose folder is HR_EMSCRIPTEN_CACHE.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR wasm32)
set(CMAKE_C_COMPILER clang-19)
set(CMAKE_C_COMPILER_TARGET wasm32-unknown-emscripten)
set(CMAKE_SYSROOT ${HR_EMSCRIPTEN_CACHE}/sysroot)
# A trial program would need an entry point; a trial library does not.
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES HR_EMSCRIPTEN_CACHE)
set(HR_WASM_LD wasm-ld-19)
