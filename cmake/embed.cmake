# Turns files into a C++ source: cmake -DOUTPUT=FILE -DFOLDER=FOLDER -P embed.cmake. The page of the HTTP listener is a part
# of the binary, so that there is nothing to install beside it.
set(types_html "text/html; charset=utf-8")
set(types_css "text/css; charset=utf-8")
set(types_js "text/javascript; charset=utf-8")
set(types_svg "image/svg+xml")

file(GLOB files ${FOLDER}/*)
list(SORT files)
set(arrays "")
set(entries "")
set(number 0)
foreach(file ${files})
  get_filename_component(name ${file} NAME)
  string(REGEX REPLACE ".*\\." "" suffix ${name})
  if(NOT DEFINED types_${suffix})
    message(FATAL_ERROR "${file}: no content type for .${suffix}; add one to cmake/embed.cmake")
  endif()
  set(path "/${name}")
  if(name STREQUAL "index.html")
    set(path "/")
  endif()
  file(READ ${file} bytes HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
  string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)" "\\1\n" bytes "${bytes}")
  file(SHA256 ${file} digest)
  string(SUBSTRING ${digest} 0 16 digest)
  string(APPEND arrays "const unsigned char kFile${number}[] = {\n${bytes}};\n")
  string(APPEND entries "    {\"${path}\", \"${types_${suffix}}\", \"\\\"${digest}\\\"\", "
                        "{reinterpret_cast<const char*>(kFile${number}), sizeof kFile${number}}},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${OUTPUT}
  "// Made by cmake/embed.cmake.\n#include \"control/http/assets.h\"\n\nnamespace shunt::control::http {\nnamespace {\n\n"
  "${arrays}\nconst Asset kAssets[] = {\n${entries}};\n\n}  // namespace\n\n"
  "std::span<const Asset> assets() noexcept { return kAssets; }\n\n}  // namespace shunt::control::http\n")
