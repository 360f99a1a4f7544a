"""One nginx of the lab: what every one of them is told, and how one is started that needs no workers."""

import os

_FRAME = """daemon off;
{workers}
user root;
pid {prefix}.pid;
error_log {prefix}.error.log;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  default_type text/plain;
  client_body_temp_path {prefix}.body;
  proxy_temp_path {prefix}.proxy;
  fastcgi_temp_path {prefix}.fastcgi;
  uwsgi_temp_path {prefix}.uwsgi;
  scgi_temp_path {prefix}.scgi;
{inside}}}
"""


def configuration(prefix, inside, workers="master_process off;"):
    """The text of its file. Its other files are PREFIX.*, `inside` is in its http block, `workers` says what processes it has."""
    return _FRAME.format(prefix=prefix, inside=inside, workers=workers)


def start(processes, name, folder, inside, namespace):
    """Starts it with `inside` in its http block. Its files are FOLDER/NAME.*, its process and log are called FOLDER-NAME."""
    os.makedirs(folder, exist_ok=True)
    prefix = os.path.join(folder, name)
    with open(prefix + ".conf", "w", encoding="utf-8") as out:
        out.write(configuration(prefix, inside))
    return processes.start(f"{os.path.basename(folder)}-{name}",
                           ["/usr/sbin/nginx", "-e", prefix + ".error.log", "-c", prefix + ".conf"], namespace=namespace)
