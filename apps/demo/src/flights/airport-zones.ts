/**
 * The 229 airports of the data by time zone. Stamps in the file are wall-clock times at the origin, so without this a flight from
 * Los Angeles would seem to land in Atlanta three hours before it does. Derived from state and county of each airport;
 * a test checks every zone against the airport's longitude.
 */
const AIRPORTS_BY_ZONE: Record<string, string> = {
  'America/New_York':
    'ABE ACY ALB APF ATL AVL AVP BDL BGM BGR BOS BTV BUF BWI CAE CAK CHA CHS CLE CLT CMH CRW CVG DAB DAY DCA ELM ERI ' +
    'EWR EYW FAY FLL GSO GSP HPN IAD ILM ISP ITH JAX JFK LEX LGA LWB MCO MDT MHT MIA MLB MYR ORF ORH PBI PHL PIT PVD ' +
    'PWM RDU RIC ROA ROC RSW SAV SDF SRQ SWF SYR TLH TOL TPA TRI TYS',
  'America/Chicago':
    'ABI ACT AMA AUS BHM BIS BMI BNA BPT BRO BTR CID CLL CMI CRP DAL DBQ DFW DLH DSM EVV FAR FSD FSM GFK GGG GPT GRB ' +
    'HOU HRL HSV IAH ICT ILE JAN LAW LBB LFT LIT LNK LRD LSE MAF MCI MDW MEM MFE MKE MLI MLU MOB MOT MSN MSP MSY OKC ' +
    'OMA ORD PIA PNS RST SAT SGF SHV SJT SPS STL SUX TUL TXK TYR VPS XNA',
  'America/Denver': 'ABQ BIL BOI BZN COS DEN DRO EGE ELP FCA GTF GUC HDN HLN JAC MSO MTJ RAP SLC',
  'America/Phoenix': 'PHX TUS',
  'America/Los_Angeles': 'BFL BUR EUG FAT GEG LAS LAX LGB MFR MRY OAK ONT PDX PSC PSP RNO SAN SBA SBP SEA SFO SJC SMF SNA',
  'America/Anchorage': 'ADQ AKN ANC BET BRW CDV DLG DUT FAI GST JNU KTN OME OTZ PSG SCC SIT WRG YAK',
  'Pacific/Honolulu': 'HNL ITO KOA LIH OGG',
  'America/Puerto_Rico': 'BQN SJU STT STX',
  'America/Indiana/Indianapolis': 'FWA IND SBN',
  'America/Detroit': 'AZO DTW FNT GRR LAN MBS MQT TVC',
};

const ZONE_OF_AIRPORT = new Map(Object.entries(AIRPORTS_BY_ZONE).flatMap(([zone, codes]) => codes.split(' ').map((code) => [code, zone] as const)));

/**
 * IANA time zone of an airport of the data.
 *
 * @throws RangeError for an airport that the data does not have.
 */
export function zoneOfAirport(code: string): string {
  const zone = ZONE_OF_AIRPORT.get(code);
  if (zone === undefined) throw new RangeError(`no time zone is known for the airport ${code}`);
  return zone;
}
