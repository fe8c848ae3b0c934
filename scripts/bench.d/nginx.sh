# nginx: what every figure stands beside.

# nginx_conf NAME LISTEN TO: one process; /sse is not buffered; request bodies
# are held in memory, as a node holds them.
nginx_conf() {
	local common="proxy_http_version 1.1; proxy_set_header Connection \"\";
		proxy_read_timeout 60s;"
	cat <<EOF
daemon off; master_process off; worker_processes 1; pid $LAB/$1.pid;
worker_rlimit_nofile 20000; error_log $LAB/$1.log;
events { worker_connections 20000; }
http {
	access_log off;
	client_max_body_size 32m; client_body_buffer_size 8m;
	client_body_temp_path $LAB/$1-body; proxy_temp_path $LAB/$1-proxy;
	fastcgi_temp_path $LAB/$1-fcgi; uwsgi_temp_path $LAB/$1-uwsgi;
	scgi_temp_path $LAB/$1-scgi;
	keepalive_requests 100000000;
	upstream to {
		server 127.0.0.1:$3;
		keepalive 128; keepalive_requests 100000000;
	}
	server {
		listen 127.0.0.1:$2 backlog=4096;
		location / { proxy_pass http://to; $common }
		location /sse/ { proxy_pass http://to/sse/; proxy_buffering off; $common }
	}
}
EOF
}

# nginx_spawn NAME TO: NGINX_PORT and SPAWNED.
nginx_spawn() {
	NGINX_PORT=$(free_port)
	nginx_conf "$1" "$NGINX_PORT" "$2" >"$LAB/$1.conf"
	spawn "$GATEWAY_CORE" "$LAB/$1.out" nginx -e "$LAB/$1.log" -c "$LAB/$1.conf"
	wait_for "$1" curl -so /dev/null "http://127.0.0.1:$NGINX_PORT/v1/models"
}

# One hop: NGINX_URL, NGINX_SSE_URL, NGINX_PID; two: CHAIN_URL, CHAIN_PIDS.
nginx_start() {
	nginx_spawn nginx "$SIM_PORT"
	NGINX_PID=$SPAWNED
	NGINX_URL=http://127.0.0.1:$NGINX_PORT/v1/chat/completions
	NGINX_SSE_URL=http://127.0.0.1:$NGINX_PORT/sse/v1/chat/completions
	nginx_spawn front "$NGINX_PORT"
	CHAIN_URL=http://127.0.0.1:$NGINX_PORT/v1/chat/completions
	CHAIN_PIDS="$NGINX_PID $SPAWNED"
}

# A fresh one of its own, for figures of memory: FRESH_PID, FRESH_SSE_URL.
nginx_fresh() {
	nginx_spawn "fresh$RANDOM" "$SIM_PORT"
	FRESH_PID=$SPAWNED
	FRESH_URL=http://127.0.0.1:$NGINX_PORT/v1/chat/completions
	FRESH_SSE_URL=http://127.0.0.1:$NGINX_PORT/sse/v1/chat/completions
}
