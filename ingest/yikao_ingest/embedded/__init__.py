"""The database and the broker that come with Yikao, so that one command is enough to run it.

Both are ordinary programs (PostgreSQL, mosquitto or iotcore) kept as children of our process: they
listen on this machine only, they end when we end, and they are started again when they die. A
practice that runs its own servers sets YIKAO_DATABASE_URL and YIKAO_BROKER_URL and needs nothing
of this folder.
"""
