-- A store as the first version of the program made it, with two decisions.
PRAGMA application_id = 1229869904;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE bundles (
	bundle_id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	manifest TEXT NOT NULL, 
	layout_asset TEXT, 
	registered_at TEXT NOT NULL, 
	PRIMARY KEY (bundle_id)
);
INSERT INTO "bundles" VALUES('b','relay-v4','{}',NULL,'2025-03-04T06:00:00.000000+00:00');
CREATE TABLE decisions (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	inspection_id INTEGER NOT NULL, 
	operator TEXT NOT NULL CHECK (length(trim(operator)) > 0), 
	decision TEXT NOT NULL CHECK (decision IN ('pass', 'recheck', 'fail')), 
	reason TEXT NOT NULL, 
	decided_at TEXT NOT NULL, 
	bundle_id TEXT NOT NULL, 
	t_pass FLOAT, 
	t_fail FLOAT, 
	FOREIGN KEY(inspection_id) REFERENCES inspections (id), 
	FOREIGN KEY(bundle_id) REFERENCES bundles (bundle_id)
);
INSERT INTO "decisions" VALUES(1,1,'Anna','pass','','2025-03-04T07:00:00.000000+00:00','b',-0.8,1.1);
INSERT INTO "decisions" VALUES(2,1,'Ben','fail','','2025-03-04T07:00:00.000000+00:00','b',-0.8,1.1);
CREATE TABLE inspections (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	arrival_key TEXT NOT NULL, 
	source TEXT NOT NULL, 
	file_name TEXT NOT NULL, 
	sha256 TEXT, 
	arrived_at TEXT NOT NULL, 
	inspected_at TEXT NOT NULL, 
	bundle_id TEXT NOT NULL, 
	status TEXT NOT NULL CHECK (status IN ('ok', 'unreadable')), 
	verdict TEXT CHECK (verdict IN ('pass', 'recheck', 'fail')), 
	reason TEXT NOT NULL, 
	defect_type TEXT, 
	z FLOAT, 
	t_pass FLOAT, 
	t_fail FLOAT, 
	outlier FLOAT, 
	outlier_limit FLOAT, 
	contributions TEXT NOT NULL, 
	latency_ms FLOAT, 
	duplicate_of INTEGER, 
	geometry TEXT, 
	picture_asset TEXT, 
	maps_asset TEXT, 
	CONSTRAINT only_readable_parts_are_judged CHECK ((status = 'ok') = (verdict IS NOT NULL)), 
	UNIQUE (arrival_key), 
	FOREIGN KEY(bundle_id) REFERENCES bundles (bundle_id), 
	FOREIGN KEY(duplicate_of) REFERENCES inspections (id)
);
INSERT INTO "inspections" VALUES(1,'k','/line/a.png','a.png','ab','2025-03-04T06:00:00.000000+00:00','2025-03-04T06:00:01.000000+00:00','b','ok','pass','',NULL,-1.5,-0.8,1.1,NULL,NULL,'{}',NULL,NULL,NULL,NULL,NULL);
CREATE INDEX inspections_by_verdict ON inspections (verdict, id);
CREATE INDEX inspections_by_content ON inspections (sha256, bundle_id, id);
CREATE INDEX inspections_by_status ON inspections (status, id);
CREATE INDEX decisions_by_inspection ON decisions (inspection_id, id);
CREATE TRIGGER bundles_refuse_update BEFORE UPDATE ON bundles BEGIN SELECT RAISE(ABORT, 'bundles are immutable'); END;
CREATE TRIGGER bundles_refuse_delete BEFORE DELETE ON bundles BEGIN SELECT RAISE(ABORT, 'bundles are immutable'); END;
CREATE TRIGGER bundles_refuse_replace BEFORE INSERT ON bundles WHEN EXISTS (SELECT 1 FROM bundles WHERE bundle_id = NEW.bundle_id) BEGIN SELECT RAISE(ABORT, 'bundles are immutable'); END;
CREATE TRIGGER inspections_refuse_update BEFORE UPDATE ON inspections BEGIN SELECT RAISE(ABORT, 'inspections are immutable'); END;
CREATE TRIGGER inspections_refuse_delete BEFORE DELETE ON inspections BEGIN SELECT RAISE(ABORT, 'inspections are immutable'); END;
CREATE TRIGGER inspections_refuse_replace BEFORE INSERT ON inspections WHEN EXISTS (SELECT 1 FROM inspections WHERE id = NEW.id OR arrival_key = NEW.arrival_key) BEGIN SELECT RAISE(ABORT, 'inspections are immutable'); END;
CREATE TRIGGER decisions_refuse_update BEFORE UPDATE ON decisions BEGIN SELECT RAISE(ABORT, 'decisions are immutable'); END;
CREATE TRIGGER decisions_refuse_delete BEFORE DELETE ON decisions BEGIN SELECT RAISE(ABORT, 'decisions are immutable'); END;
CREATE TRIGGER decisions_refuse_replace BEFORE INSERT ON decisions WHEN EXISTS (SELECT 1 FROM decisions WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'decisions are immutable'); END;
COMMIT;
